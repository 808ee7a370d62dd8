// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/preprocess.h"

#include "alref/error.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/resize_image.h"
#include "perception/grounding_dino/swin.h"

namespace alref::grounding_dino {

using compute::MapSize;

namespace {

int64_t whole_patches(int length) {
  return (length + Swin::kPatch - 1) / Swin::kPatch * Swin::kPatch;
}

// Width and height, before they are filled up.
std::pair<int, int> scaled_size(const Image& image, const Config& config) {
  const std::string shape = std::to_string(image.width) + " x " + std::to_string(image.height);
  if (image.empty() || image.width <= 0 || image.height <= 0) {
    throw Error(ErrorKind::kInvalidArgument, "detector: the image is empty (" + shape + ")");
  }
  const auto size =
      fit_shortest_side(image.width, image.height, static_cast<int>(config.short_side),
                        static_cast<int>(config.max_side));
  // The official code rounds the short side of such images to nothing.
  if (std::max(size.first, size.second) > 2 * config.max_side) {
    throw Error(ErrorKind::kInvalidArgument,
                "detector: an image of " + shape + " is too thin: its long side is scaled to " +
                    std::to_string(config.max_side) + ", at which nothing is left of the other");
  }
  return size;
}

}  // namespace

MapSize input_size(const Image& image, const Config& config) {
  const auto [width, height] = scaled_size(image, config);
  return {whole_patches(height), whole_patches(width)};
}

void write_input(const Image& image, const Config& config, int threads, std::span<float> to) {
  const auto [width, height] = scaled_size(image, config);
  const auto row_values = static_cast<size_t>(whole_patches(width)) * 3;
  const auto image_values = static_cast<size_t>(width) * 3;
  const auto rows = static_cast<size_t>(height);
  resize_as_pillow(image, width, height, PillowFilter::kBilinear, {config.mean, config.std}, to,
                   row_values, threads);
  for (size_t y = 0; y < rows; ++y)
    std::ranges::fill(to.subspan(y * row_values + image_values, row_values - image_values), 0.0f);
  std::ranges::fill(to.subspan(rows * row_values), 0.0f);
}

}  // namespace alref::grounding_dino
