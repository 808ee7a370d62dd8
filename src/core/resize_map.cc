// SPDX-License-Identifier: Apache-2.0
#include "core/resize_map.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace alref {
namespace {

// What one position of the result takes from the source along one axis: weights of consecutive
// positions.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> bilinear_taps(int from, int to) {
  std::vector<Taps> taps(static_cast<size_t>(to));
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int i = 0; i < to; ++i) {
    const float source = std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
    const int first = std::min(static_cast<int>(source), from - 1);
    const float part = source - static_cast<float>(first);
    taps[static_cast<size_t>(i)] = {
        first, first + 1 < from ? std::vector<float>{1 - part, part} : std::vector<float>{1.0f}};
  }
  return taps;
}

std::vector<Taps> antialiased_taps(int from, int to) {
  std::vector<Taps> taps(static_cast<size_t>(to));
  const double scale = static_cast<double>(from) / to, reach = std::max(scale, 1.0);
  for (int i = 0; i < to; ++i) {
    const double centre = scale * (i + 0.5);
    const int first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int end = std::min(from, static_cast<int>(centre + reach + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int j = first; j < end; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs((j - centre + 0.5) / reach)));
      sum += weights.back();
    }
    Taps& result = taps[static_cast<size_t>(i)];
    result.first = first;
    for (const double weight : weights) result.weights.push_back(static_cast<float>(weight / sum));
  }
  return taps;
}

FloatMap resize(const FloatMap& map, const std::vector<Taps>& columns,
                const std::vector<Taps>& rows) {
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
      const float* from = narrow.row(taps.first + static_cast<int>(i));
      for (int x = 0; x < result.width; ++x) to[x] += weight * from[x];
    }
  }
  return result;
}

}  // namespace

FloatMap resize_bilinear(const FloatMap& map, int width, int height) {
  if (map.width == width && map.height == height) return map;
  return resize(map, bilinear_taps(map.width, width), bilinear_taps(map.height, height));
}

FloatMap resize_bilinear_antialiased(const FloatMap& map, int width, int height) {
  if (map.width == width && map.height == height) return map;
  return resize(map, antialiased_taps(map.width, width), antialiased_taps(map.height, height));
}

}  // namespace alref
