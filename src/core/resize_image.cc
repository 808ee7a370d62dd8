// SPDX-License-Identifier: Apache-2.0
#include "core/resize_image.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "core/in_parallel.h"

// The loops are written so that a compiler vectorises them; where it can, it makes a second version
// for AVX2 that is chosen at run time. AVX2 without FMA: all versions round alike.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALREF_SIMD_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define ALREF_SIMD_CLONES
#endif

namespace alref {
namespace {

/// One axis: output i is the sum of weights[i * stride + k] * input[first[i] + k] over k <
/// count[i].
template <typename Weight>
struct Taps {
  int stride = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<Weight> weights;

  const Weight* of(int i) const { return weights.data() + static_cast<size_t>(i) * stride; }
};

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

// Keys' cubic, a = -0.5, in the form and thus with the rounding of Pillow's bicubic_filter.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Pillow's precompute_coeffs (Real = double) and PyTorch's HelperInterpLinear with antialias (Real
// = float): the same formulas in different precisions.
template <typename Real, typename Filter>
Taps<Real> make_taps(int from, int to, Real radius, Filter filter) {
  const Real scale = static_cast<Real>(from) / static_cast<Real>(to);
  const Real widening = std::max(scale, Real{1});
  const Real support = radius * widening;
  Taps<Real> taps;
  taps.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  taps.weights.resize(static_cast<size_t>(to) * taps.stride);
  for (int i = 0; i < to; ++i) {
    const Real center = scale * (static_cast<Real>(i) + Real{0.5});
    const int first = std::max(0, static_cast<int>(center - support + Real{0.5}));
    const int end = std::min(from, static_cast<int>(center + support + Real{0.5}));
    Real* weights = taps.weights.data() + static_cast<size_t>(i) * taps.stride;
    Real total = 0;
    for (int k = 0; k < end - first; ++k) {
      const Real x = (static_cast<Real>(k + first) - center + Real{0.5}) * (1 / widening);
      weights[k] = static_cast<Real>(filter(x));
      total += weights[k];
    }
    if (total != 0) {
      for (int k = 0; k < end - first; ++k) weights[k] /= total;
    }
    taps.first.push_back(first);
    taps.count.push_back(end - first);
  }
  return taps;
}

constexpr int kFractionBits = 32 - 8 - 2;

Taps<int32_t> in_fixed_point(const Taps<double>& taps) {
  Taps<int32_t> fixed{taps.stride, taps.first, taps.count, {}};
  fixed.weights.reserve(taps.weights.size());
  for (const double weight : taps.weights) {
    const double scaled = weight * (1 << kFractionBits);
    fixed.weights.push_back(static_cast<int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5));
  }
  return fixed;
}

struct Fixed {
  using Value = uint8_t;
  using Sum = int32_t;
  static constexpr Sum kStart = 1 << (kFractionBits - 1);
  static Value finish(Sum sum) {
    return static_cast<Value>(std::clamp(sum >> kFractionBits, 0, 255));
  }
};

struct Real {
  using Value = float;
  using Sum = float;
  static constexpr Sum kStart = 0;
  static Value finish(Sum sum) { return sum; }
};

constexpr int kRows = 16;          // that the horizontal pass does at once
constexpr int kLanes = 3 * kRows;  // of one column of these rows
constexpr int kChunk = 64;         // values of a row that the vertical pass does at once

template <typename Kind>
[[gnu::always_inline]] inline void sum_columns(const typename Kind::Value* columns,
                                               const Taps<typename Kind::Sum>& taps, int to,
                                               typename Kind::Value* out) {
  for (int x = 0; x < to; ++x) {
    typename Kind::Sum sums[kLanes];
    for (auto& sum : sums) sum = Kind::kStart;
    const auto* weights = taps.of(x);
    const typename Kind::Value* column = columns + static_cast<size_t>(taps.first[x]) * kLanes;
    for (int k = 0; k < taps.count[x]; ++k, column += kLanes) {
      const auto weight = weights[k];
      for (int i = 0; i < kLanes; ++i) sums[i] += weight * column[i];
    }
    for (int i = 0; i < kLanes; ++i) out[i] = Kind::finish(sums[i]);
    out += kLanes;
  }
}

template <typename Kind>
[[gnu::always_inline]] inline void sum_rows(const typename Kind::Value* in, size_t row_length,
                                            const typename Kind::Sum* weights, int count,
                                            typename Kind::Value* out) {
  size_t at = 0;
  for (; at + kChunk <= row_length; at += kChunk) {
    typename Kind::Sum sums[kChunk];
    for (auto& sum : sums) sum = Kind::kStart;
    const typename Kind::Value* row = in + at;
    for (int k = 0; k < count; ++k, row += row_length) {
      const auto weight = weights[k];
      for (int i = 0; i < kChunk; ++i) sums[i] += weight * row[i];
    }
    for (int i = 0; i < kChunk; ++i) out[at + i] = Kind::finish(sums[i]);
  }
  for (; at < row_length; ++at) {
    typename Kind::Sum sum = Kind::kStart;
    for (int k = 0; k < count; ++k) sum += weights[k] * in[at + k * row_length];
    out[at] = Kind::finish(sum);
  }
}

ALREF_SIMD_CLONES void columns_pass(const uint8_t* columns, const Taps<int32_t>& taps, int to,
                                    uint8_t* out) {
  sum_columns<Fixed>(columns, taps, to, out);
}
ALREF_SIMD_CLONES void columns_pass(const float* columns, const Taps<float>& taps, int to,
                                    float* out) {
  sum_columns<Real>(columns, taps, to, out);
}
ALREF_SIMD_CLONES void rows_pass(const uint8_t* in, size_t row_length, const int32_t* weights,
                                 int count, uint8_t* out) {
  sum_rows<Fixed>(in, row_length, weights, count, out);
}
ALREF_SIMD_CLONES void rows_pass(const float* in, size_t row_length, const float* weights,
                                 int count, float* out) {
  sum_rows<Real>(in, row_length, weights, count, out);
}

/// Rows of `width` pixels of three values to rows of `to` pixels. Blocks of rows are turned so that
/// a column's values lie side by side: then every pixel's sum is a sum of vectors.
template <typename Value, typename Weight, typename Load>
std::vector<Value> resize_columns(const Image& image, const Taps<Weight>& taps, int to, int threads,
                                  Load load) {
  const int width = image.width;
  std::vector<Value> out(static_cast<size_t>(to) * image.height * 3);
  const auto resize = [&](int64_t begin, int64_t end) {
    std::vector<Value> columns(static_cast<size_t>(width) * kLanes);
    std::vector<Value> sums(static_cast<size_t>(to) * kLanes);
    for (int y = static_cast<int>(begin); y < end; y += kRows) {
      const int rows = std::min(kRows, static_cast<int>(end) - y);
      for (int r = 0; r < rows; ++r) {
        const uint8_t* row = image.row(y + r);
        Value* lane = columns.data() + r;
        for (int i = 0; i < width * 3; ++i) lane[static_cast<size_t>(i) * kRows] = load(row[i]);
      }
      columns_pass(columns.data(), taps, to, sums.data());
      for (int r = 0; r < rows; ++r) {
        Value* row = out.data() + static_cast<size_t>(y + r) * to * 3;
        const Value* lane = sums.data() + r;
        for (int i = 0; i < to * 3; ++i) row[i] = lane[static_cast<size_t>(i) * kRows];
      }
    }
  };
  in_parallel(image.height, threads, resize);
  return out;
}

template <typename Value, typename Weight>
std::vector<Value> resize_rows(const std::vector<Value>& in, int width, const Taps<Weight>& taps,
                               int to, int threads) {
  const size_t row_length = static_cast<size_t>(width) * 3;
  std::vector<Value> out(row_length * to);
  in_parallel(to, threads, [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < end; ++y) {
      rows_pass(in.data() + static_cast<size_t>(taps.first[y]) * row_length, row_length, taps.of(y),
                taps.count[y], out.data() + static_cast<size_t>(y) * row_length);
    }
  });
  return out;
}

void check_sizes(const char* where, int from_width, int from_height, int width, int height) {
  if (from_width > 0 && from_height > 0 && width > 0 && height > 0) return;
  throw Error(ErrorKind::kInvalidArgument,
              std::string(where) + ": " + std::to_string(from_width) + " x " +
                  std::to_string(from_height) + " pixels to " + std::to_string(width) + " x " +
                  std::to_string(height) + ", expected positive sizes");
}

using Table = std::array<float, 256>;

// value / 255 for every value.
Table unit_table() {
  Table table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / 255.0f;
  return table;
}

}  // namespace

Image resize_as_pillow(const Image& image, int width, int height, PillowFilter filter,
                       int threads) {
  check_sizes("resize_as_pillow", image.width, image.height, width, height);
  const auto taps = [&](int from, int to) {
    return in_fixed_point(filter == PillowFilter::kBilinear
                              ? make_taps<double>(from, to, 1.0, triangle)
                              : make_taps<double>(from, to, 2.0, cubic));
  };
  Image out;
  out.width = width;
  out.height = height;
  out.pixels = width == image.width
                   ? image.pixels
                   : resize_columns<uint8_t>(image, taps(image.width, width), width, threads,
                                             [](uint8_t value) { return value; });
  if (height != image.height) {
    out.pixels = resize_rows(out.pixels, width, taps(image.height, height), height, threads);
  }
  return out;
}

void normalize(const Image& image, const Normalization& normalization, std::span<float> to,
               int threads) {
  std::array<Table, 3> tables;
  tables.fill(unit_table());
  for (size_t c = 0; c < 3; ++c) {
    for (float& value : tables[c]) {
      value = (value - normalization.mean[c]) / normalization.deviation[c];
    }
  }
  const auto area = static_cast<int64_t>(image.pixels.size()) / 3;
  in_parallel(area, threads, [&](int64_t begin, int64_t end) {
    const uint8_t* from = image.pixels.data();
    for (auto i = static_cast<size_t>(3 * begin); i < static_cast<size_t>(3 * end); i += 3) {
      for (size_t c = 0; c < 3; ++c) to[i + c] = tables[c][from[i + c]];
    }
  });
}

std::vector<float> resize_antialiased(const Image& image, int width, int height,
                                      const Normalization& normalization) {
  check_sizes("resize_antialiased", image.width, image.height, width, height);
  const auto taps = [](int from, int to) {
    return make_taps<float>(from, to, 1.0f,
                            [](float x) { return std::max(0.0f, 1 - std::abs(x)); });
  };
  // Taps of equal sizes are exactly 1.
  const Table table = unit_table();
  const std::vector<float> narrow =
      resize_columns<float>(image, taps(image.width, width), width, /*threads=*/1,
                            [&table](uint8_t value) { return table[value]; });
  std::vector<float> values =
      resize_rows(narrow, width, taps(image.height, height), height, /*threads=*/1);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = (values[i] - normalization.mean[i % 3]) / normalization.deviation[i % 3];
  }
  return values;
}

std::pair<int, int> fit_shortest_side(int width, int height, int shortest, int longest) {
  check_sizes("fit_shortest_side", width, height, shortest, longest);
  const double small = std::min(width, height);
  const double large = std::max(width, height);
  if (large / small * shortest > longest) {
    shortest =
        static_cast<int>(std::nearbyint(longest * small / large));  // ties to even, as Python
  }
  shortest = std::max(shortest, 1);
  if (width < height) {
    return {shortest, static_cast<int>(static_cast<double>(shortest) * height / width)};
  }
  return {static_cast<int>(static_cast<double>(shortest) * width / height), shortest};
}

Mask resize_nearest(const Mask& mask, int width, int height) {
  check_sizes("resize_nearest", mask.width, mask.height, width, height);
  const auto source = [](int i, int from, int to) {
    const float scale = static_cast<float>(from) / static_cast<float>(to);
    return std::min(static_cast<int>(std::floor(static_cast<float>(i) * scale)), from - 1);
  };
  std::vector<int> columns(static_cast<size_t>(width));
  for (int x = 0; x < width; ++x) columns[static_cast<size_t>(x)] = source(x, mask.width, width);
  Mask out(width, height);
  for (int y = 0; y < height; ++y) {
    const uint8_t* from = mask.row(source(y, mask.height, height));
    uint8_t* to = out.row(y);
    for (int x = 0; x < width; ++x) to[x] = from[columns[static_cast<size_t>(x)]];
  }
  return out;
}

}  // namespace alref
