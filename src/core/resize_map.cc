// SPDX-License-Identifier: Apache-2.0
#include "core/resize_map.h"

#include <algorithm>

#include "core/simd_clones.h"

namespace alref {
namespace {

constexpr size_t kChunk = 64;  // values of a row that are summed up at once

/// to[x] = sum over k of weights[k * width + x] * row[places[k * width + x]]
ALREF_SIMD_CLONES void sum_columns(const float* row, const int32_t* places, const float* weights,
                                   size_t taps, size_t width, float* to) {
  for (size_t at = 0; at < width; at += kChunk) {
    const size_t count = std::min(kChunk, width - at);
    float sums[kChunk] = {};
    for (size_t k = at; k < taps * width; k += width) {
      for (size_t i = 0; i < count; ++i) sums[i] += weights[k + i] * row[places[k + i]];
    }
    std::copy_n(sums, count, to + at);
  }
}

/// to = sum over k of weights[k] * the k-th row from `rows` on
ALREF_SIMD_CLONES void sum_rows(const float* rows, size_t width, const float* weights, size_t taps,
                                float* to) {
  for (size_t at = 0; at < width; at += kChunk) {
    const size_t count = std::min(kChunk, width - at);
    float sums[kChunk] = {};
    for (size_t k = 0; k < taps; ++k) {
      const float* row = rows + k * width + at;
      for (size_t i = 0; i < count; ++i) sums[i] += weights[k] * row[i];
    }
    std::copy_n(sums, count, to + at);
  }
}

FloatMap resize(const FloatMap& map, int width, int height, Resampling mode) {
  if (map.width == width && map.height == height) return map;
  FloatMap result;
  MapResizer(mode, map.width, map.height, width, height)(map, result);
  return result;
}

}  // namespace

MapResizer::MapResizer(Resampling mode, int from_width, int from_height, int width, int height)
    : rows_(resize_taps(mode, from_height, height)), narrow_(width, from_height) {
  const std::vector<Taps> columns = resize_taps(mode, from_width, width);
  size_t most = 0;
  for (const Taps& taps : columns) most = std::max(most, taps.weights.size());
  places_.resize(most * columns.size());
  weights_.resize(most * columns.size());
  for (size_t x = 0; x < columns.size(); ++x) {
    const Taps& taps = columns[x];
    for (size_t k = 0; k < most; ++k) {
      const bool counts = k < taps.weights.size();
      places_[k * columns.size() + x] =
          static_cast<int32_t>(taps.first) + static_cast<int32_t>(counts ? k : 0);
      weights_[k * columns.size() + x] = counts ? taps.weights[k] : 0;
    }
  }
}

void MapResizer::operator()(const FloatMap& map, FloatMap& to) {
  const auto width = static_cast<size_t>(narrow_.width);
  for (int y = 0; y < narrow_.height; ++y) {
    sum_columns(map.row(y), places_.data(), weights_.data(), places_.size() / width, width,
                narrow_.row(y));
  }
  to.width = narrow_.width;
  to.height = static_cast<int>(rows_.size());
  to.values.resize(rows_.size() * width);
  for (size_t y = 0; y < rows_.size(); ++y) {
    sum_rows(narrow_.row(static_cast<int>(rows_[y].first)), width, rows_[y].weights.data(),
             rows_[y].weights.size(), to.row(static_cast<int>(y)));
  }
}

FloatMap resize_bilinear(const FloatMap& map, int width, int height) {
  return resize(map, width, height, Resampling::kBilinear);
}

FloatMap resize_bilinear_antialiased(const FloatMap& map, int width, int height) {
  return resize(map, width, height, Resampling::kBilinearAntialiased);
}

}  // namespace alref
