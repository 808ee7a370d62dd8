// SPDX-License-Identifier: Apache-2.0
#include "core/resize_map.h"

#include "core/resize_taps.h"

namespace alref {
namespace {

FloatMap resize(const FloatMap& map, int width, int height, Resampling mode) {
  if (map.width == width && map.height == height) return map;
  const std::vector<Taps> columns = resize_taps(mode, map.width, width);
  const std::vector<Taps> rows = resize_taps(mode, map.height, height);
  FloatMap narrow(static_cast<int>(columns.size()), map.height);
  for (int y = 0; y < map.height; ++y) {
    const float* from = map.row(y);
    float* to = narrow.row(y);
    for (size_t x = 0; x < columns.size(); ++x) {
      float sum = 0;
      for (size_t i = 0; i < columns[x].weights.size(); ++i) {
        sum += columns[x].weights[i] * from[static_cast<size_t>(columns[x].first) + i];
      }
      to[x] = sum;
    }
  }
  FloatMap result(narrow.width, static_cast<int>(rows.size()));
  for (int y = 0; y < result.height; ++y) {
    const Taps& taps = rows[static_cast<size_t>(y)];
    float* to = result.row(y);
    for (size_t i = 0; i < taps.weights.size(); ++i) {
      const float weight = taps.weights[i];
      const float* from = narrow.row(static_cast<int>(taps.first) + static_cast<int>(i));
      for (int x = 0; x < result.width; ++x) to[x] += weight * from[x];
    }
  }
  return result;
}

}  // namespace

FloatMap resize_bilinear(const FloatMap& map, int width, int height) {
  return resize(map, width, height, Resampling::kBilinear);
}

FloatMap resize_bilinear_antialiased(const FloatMap& map, int width, int height) {
  return resize(map, width, height, Resampling::kBilinearAntialiased);
}

}  // namespace alref
