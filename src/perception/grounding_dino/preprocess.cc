// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/preprocess.h"

#include "alref/error.h"

#include <algorithm>

#include "core/resize_image.h"
#include "perception/grounding_dino/swin.h"

namespace alref::grounding_dino {
namespace {

int64_t whole_patches(int length) {
  return (length + Swin::kPatch - 1) / Swin::kPatch * Swin::kPatch;
}

}  // namespace

NetworkImage prepare(const Image& image, const Config& config) {
  const std::string shape = std::to_string(image.width) + " x " + std::to_string(image.height);
  if (image.empty() || image.width <= 0 || image.height <= 0) {
    throw Error(ErrorKind::kInvalidArgument, "detector: the image is empty (" + shape + ")");
  }
  const auto [width, height] =
      fit_shortest_side(image.width, image.height, static_cast<int>(config.short_side),
                        static_cast<int>(config.max_side));
  // The official code rounds the short side of such images to nothing.
  if (std::max(width, height) > 2 * config.max_side) {
    throw Error(ErrorKind::kInvalidArgument,
                "detector: an image of " + shape + " is too thin: its long side is scaled to " +
                    std::to_string(config.max_side) + ", at which nothing is left of the other");
  }
  NetworkImage result{{whole_patches(height), whole_patches(width)}, {}};
  result.pixels.resize(static_cast<size_t>(result.size.pixels()) * 3);
  resize_as_pillow(image, width, height, PillowFilter::kBilinear, {config.mean, config.std},
                   result.pixels, static_cast<size_t>(result.size.width) * 3);
  return result;
}

}  // namespace alref::grounding_dino
