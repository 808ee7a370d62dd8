// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/preprocess.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/resize_image.h"

namespace alref::sam2 {
namespace {

Normalization normalization(const Config& config) {
  return {.mean = config.image_mean, .deviation = config.image_std};
}

std::string text(float x, float y) {
  return "(" + std::to_string(x) + ", " + std::to_string(y) + ")";
}

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidArgument, what); }

Box cut(const Box& box, int width, int height) {
  const std::string name = "box " + text(box.x0, box.y0) + " to " + text(box.x1, box.y1);
  if (!std::isfinite(box.x0) || !std::isfinite(box.y0) || !std::isfinite(box.x1) ||
      !std::isfinite(box.y1)) {
    fail(name + ": expected finite numbers");
  }
  if (box.x0 >= box.x1 || box.y0 >= box.y1) fail(name + ": expected x0 < x1 and y0 < y1");
  const Box result{std::max(box.x0, 0.0f), std::max(box.y0, 0.0f),
                   std::min(box.x1, static_cast<float>(width)),
                   std::min(box.y1, static_cast<float>(height))};
  if (result.x0 >= result.x1 || result.y0 >= result.y1) {
    fail(name + ": lies beside the picture of " + std::to_string(width) + " x " +
         std::to_string(height));
  }
  return result;
}

}  // namespace

void write_image_input(const Image& image, const Config& config, int threads, std::span<float> to) {
  if (image.empty()) fail("image: expected pixels, got none");
  const auto size = static_cast<int>(config.image_size);
  resize_antialiased(image, size, size, normalization(config), to, threads);
}

void write_frame_input(const Image& frame, const Config& config, int threads, std::span<float> to) {
  if (frame.empty()) fail("frame: expected pixels, got none");
  const auto size = static_cast<int>(config.image_size);
  resize_as_pillow(frame, size, size, PillowFilter::kBicubic, normalization(config), to,
                   static_cast<size_t>(size) * 3, threads);
}

PromptPoints to_prompt_points(std::span<const Point> points, std::span<const int> labels,
                              const std::optional<Box>& box, int width, int height,
                              const Config& config) {
  if (points.size() != labels.size()) {
    fail("points: expected as many labels as points, got " + std::to_string(labels.size()) +
         " for " + std::to_string(points.size()));
  }
  PromptPoints result;
  const auto add = [&](float x, float y, int label) {
    const auto size = static_cast<float>(config.image_size);
    result.points.push_back(
        {x / static_cast<float>(width) * size, y / static_cast<float>(height) * size});
    result.labels.push_back(label);
  };
  if (box) {
    const Box inside = cut(*box, width, height);
    add(inside.x0, inside.y0, kBoxCorner0);
    add(inside.x1, inside.y1, kBoxCorner1);
  }
  for (size_t i = 0; i < points.size(); ++i) {
    const auto [x, y] = points[i];
    // Written so that NaN fails too.
    if (!(x >= 0 && x <= static_cast<float>(width) && y >= 0 && y <= static_cast<float>(height))) {
      fail("point " + text(x, y) + ": expected one within the picture of " + std::to_string(width) +
           " x " + std::to_string(height));
    }
    if (labels[i] != kOffObject && labels[i] != kOnObject) {
      fail("label of point " + text(x, y) + ": expected 0 or 1, got " + std::to_string(labels[i]));
    }
    add(x, y, labels[i]);
  }
  return result;
}

}  // namespace alref::sam2
