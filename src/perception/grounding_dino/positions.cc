// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/positions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compute/ops/sine_embedding_op.h"

namespace alref::grounding_dino {

using compute::MapSize;

namespace {

// Encodings of the lines 1, ..., length of an axis, scaled to end at one turn: [length, features].
std::vector<float> axis_encoding(int64_t length, int64_t features, float temperature) {
  constexpr float kEps = 1e-6f;  // of the official code
  std::vector<float> result(static_cast<size_t>(length * features));
  for (int64_t i = 0; i < length; ++i) {
    const float position = static_cast<float>(i + 1) / (static_cast<float>(length) + kEps);
    compute::sine_embedding(position, features, temperature,
                            &result[static_cast<size_t>(i * features)]);
  }
  return result;
}

size_t pixels_of(const std::vector<MapSize>& levels) {
  int64_t pixels = 0;
  for (const MapSize& level : levels) pixels += level.pixels();
  return static_cast<size_t>(pixels);
}

float centre(int64_t i, int64_t length) {
  return (static_cast<float>(i) + 0.5f) / static_cast<float>(length);
}

}  // namespace

void write_image_positions(const std::vector<MapSize>& levels, int64_t d, float temperature,
                           const std::vector<float>& level_embed, std::span<float> to) {
  const int64_t half = d / 2;
  float* out = to.data();
  for (size_t level = 0; level < levels.size(); ++level) {
    const std::vector<float> rows = axis_encoding(levels[level].height, half, temperature);
    const std::vector<float> columns = axis_encoding(levels[level].width, half, temperature);
    const float* embed = &level_embed[level * static_cast<size_t>(d)];
    for (int64_t y = 0; y < levels[level].height; ++y) {
      for (int64_t x = 0; x < levels[level].width; ++x) {
        const float* row = &rows[static_cast<size_t>(y * half)];
        const float* column = &columns[static_cast<size_t>(x * half)];
        for (int64_t i = 0; i < half; ++i) *out++ = row[i] + embed[i];
        for (int64_t i = 0; i < half; ++i) *out++ = column[i] + embed[half + i];
      }
    }
  }
}

std::vector<float> pixel_centres(const std::vector<MapSize>& levels) {
  std::vector<float> result;
  result.reserve(pixels_of(levels) * 2);
  for (const MapSize& level : levels) {
    for (int64_t y = 0; y < level.height; ++y) {
      for (int64_t x = 0; x < level.width; ++x) {
        result.push_back(centre(x, level.width));
        result.push_back(centre(y, level.height));
      }
    }
  }
  return result;
}

Proposals proposals(const std::vector<MapSize>& levels) {
  Proposals result;
  float side = 0.05f;
  for (const MapSize& level : levels) {
    for (int64_t y = 0; y < level.height; ++y) {
      for (int64_t x = 0; x < level.width; ++x) {
        const float box[4] = {centre(x, level.width), centre(y, level.height), side, side};
        const bool valid =
            std::all_of(box, box + 4, [](float v) { return v > 0.01f && v < 0.99f; });
        for (float v : box) {
          result.boxes.push_back(valid ? std::log(v / (1 - v))
                                       : std::numeric_limits<float>::infinity());
        }
        result.valid.push_back(valid ? 1.0f : 0.0f);
      }
    }
    side *= 2;
  }
  return result;
}

}  // namespace alref::grounding_dino
