// SPDX-License-Identifier: Apache-2.0
#include "core/resize_image.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "core/in_parallel.h"
#include "core/simd_clones.h"

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
constexpr int kKeptRows = 64;      // of the horizontal pass's result, more than the taps need

/// out = first[0], second[0], first[1], second[1], ... for the two halves of `in`.
template <typename Value>
[[gnu::always_inline]] inline void interleave(const Value* __restrict in, size_t half,
                                              Value* __restrict out) {
  for (size_t i = 0; i < half; ++i) {
    out[2 * i] = in[i];
    out[2 * i + 1] = in[half + i];
  }
}

template <typename Value>
[[gnu::always_inline]] inline void separate(const Value* __restrict in, size_t half,
                                            Value* __restrict out) {
  for (size_t i = 0; i < half; ++i) {
    out[i] = in[2 * i];
    out[half + i] = in[2 * i + 1];
  }
}

/// kRows rows of `length` values to kRows values of each of `length` columns, in `values`; `other`
/// is room for as many. Each shuffle halves the number of rows and doubles what lies side by side.
template <typename Value>
[[gnu::always_inline]] inline void rows_to_columns(Value* values, size_t length, Value* other) {
  static_assert(kRows == 16);
  for (int shuffle = 0; shuffle < 2; ++shuffle) {
    interleave(values, length * kRows / 2, other);
    interleave(other, length * kRows / 2, values);
  }
}

template <typename Value>
[[gnu::always_inline]] inline void columns_to_rows(Value* values, size_t length, Value* other) {
  for (int shuffle = 0; shuffle < 2; ++shuffle) {
    separate(values, length * kRows / 2, other);
    separate(other, length * kRows / 2, values);
  }
}

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

/// kRows rows of `width` pixels in `rows` to as many of `to` pixels in `out`: turned, so that every
/// pixel's sum is a sum of vectors, and turned back. `room` is for the larger of both.
template <typename Kind>
[[gnu::always_inline]] inline void narrow_rows(typename Kind::Value* rows, int width,
                                               const Taps<typename Kind::Sum>& taps, int to,
                                               typename Kind::Value* room,
                                               typename Kind::Value* out) {
  rows_to_columns(rows, static_cast<size_t>(width) * 3, room);
  sum_columns<Kind>(rows, taps, to, out);
  columns_to_rows(out, static_cast<size_t>(to) * 3, room);
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

ALREF_SIMD_CLONES void columns_pass(uint8_t* rows, int width, const Taps<int32_t>& taps, int to,
                                    uint8_t* room, uint8_t* out) {
  narrow_rows<Fixed>(rows, width, taps, to, room, out);
}
ALREF_SIMD_CLONES void columns_pass(float* rows, int width, const Taps<float>& taps, int to,
                                    float* room, float* out) {
  narrow_rows<Real>(rows, width, taps, to, room, out);
}
ALREF_SIMD_CLONES void rows_pass(const uint8_t* in, size_t row_length, const int32_t* weights,
                                 int count, uint8_t* out) {
  sum_rows<Fixed>(in, row_length, weights, count, out);
}
ALREF_SIMD_CLONES void rows_pass(const float* in, size_t row_length, const float* weights,
                                 int count, float* out) {
  sum_rows<Real>(in, row_length, weights, count, out);
}

/// Rows of an image after the horizontal pass. Asked for from top to bottom, only those at hand are
/// there.
template <typename Value, typename Weight, typename Load>
class NarrowRows {
 public:
  /// From row `first` on, at most `most` at a time; load(value) makes a value of a byte.
  NarrowRows(const Image& image, const Taps<Weight>& taps, size_t first, size_t most, Load load)
      : image_(image),
        taps_(taps),
        load_(load),
        width_(static_cast<int>(taps.first.size())),
        length_(taps.first.size() * 3),
        capacity_(most + kKeptRows),
        first_(first),
        narrow_(length_ * capacity_),
        wide_(from_length_ * kRows),
        room_(std::max(from_length_, length_) * kRows) {}

  /// Rows [begin, end), one after the other, until the next call.
  const Value* rows(size_t begin, size_t end) {
    while (first_ + count_ < end) {
      if (count_ + kRows > capacity_) forget_before(begin);
      append();
    }
    return &narrow_[(begin - first_) * length_];
  }

 private:
  void forget_before(size_t row) {
    const auto begin = narrow_.begin();
    std::copy(begin + static_cast<std::ptrdiff_t>((row - first_) * length_),
              begin + static_cast<std::ptrdiff_t>(count_ * length_), begin);
    count_ -= row - first_;
    first_ = row;
  }

  void append() {
    const size_t next = first_ + count_;
    const size_t some = std::min<size_t>(kRows, static_cast<size_t>(image_.height) - next);
    for (size_t r = 0; r < some; ++r) {
      const uint8_t* row = image_.row(static_cast<int>(next + r));
      std::transform(row, row + from_length_, &wide_[r * from_length_], load_);
    }
    columns_pass(wide_.data(), image_.width, taps_, width_, room_.data(),
                 &narrow_[count_ * length_]);
    count_ += some;
  }

  const Image& image_;
  const Taps<Weight>& taps_;
  Load load_;
  int width_;
  size_t length_, from_length_ = static_cast<size_t>(image_.width) * 3, capacity_;
  size_t first_, count_ = 0;  // of the rows in narrow_
  std::vector<Value> narrow_, wide_, room_;
};

/// Both passes, a stretch of the result's rows on each thread. load(value) makes a value of a byte;
/// put(y, row) takes a row of the result.
template <typename Value, typename Weight, typename Load, typename Put>
void resize(const Image& image, const Taps<Weight>& columns, const Taps<Weight>& rows, int threads,
            Load load, Put put) {
  const size_t length = columns.first.size() * 3;
  const auto stretch = [&](int64_t begin, int64_t end) {
    const auto first = [&rows](int64_t y) {
      return static_cast<size_t>(rows.first[static_cast<size_t>(y)]);
    };
    NarrowRows<Value, Weight, Load> narrow(image, columns, first(begin),
                                           static_cast<size_t>(rows.stride), load);
    std::vector<Value> result(length);
    for (int64_t y = begin; y < end; ++y) {
      const int count = rows.count[static_cast<size_t>(y)];
      rows_pass(narrow.rows(first(y), first(y) + static_cast<size_t>(count)), length,
                rows.of(static_cast<int>(y)), count, result.data());
      put(static_cast<size_t>(y), result.data());
    }
  };
  in_parallel(static_cast<int64_t>(rows.first.size()), threads, stretch);
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

void resize_as_pillow(const Image& image, int width, int height, PillowFilter filter,
                      const Normalization& normalization, std::span<float> to, size_t row_values,
                      int threads) {
  check_sizes("resize_as_pillow", image.width, image.height, width, height);
  const auto taps = [&](int from, int size) {
    return in_fixed_point(filter == PillowFilter::kBilinear
                              ? make_taps<double>(from, size, 1.0, triangle)
                              : make_taps<double>(from, size, 2.0, cubic));
  };
  std::array<Table, 3> tables;
  tables.fill(unit_table());
  for (size_t c = 0; c < 3; ++c) {
    for (float& value : tables[c]) {
      value = (value - normalization.mean[c]) / normalization.deviation[c];
    }
  }
  // Taps of equal sizes are exactly 1.
  resize<uint8_t>(
      image, taps(image.width, width), taps(image.height, height), threads,
      [](uint8_t value) { return value; },
      [&](size_t y, const uint8_t* row) {
        float* out = to.data() + y * row_values;
        for (size_t i = 0; i < static_cast<size_t>(width) * 3; i += 3) {
          for (size_t c = 0; c < 3; ++c) out[i + c] = tables[c][row[i + c]];
        }
      });
}

void resize_antialiased(const Image& image, int width, int height,
                        const Normalization& normalization, std::span<float> to, int threads) {
  check_sizes("resize_antialiased", image.width, image.height, width, height);
  const auto taps = [](int from, int size) {
    return make_taps<float>(from, size, 1.0f,
                            [](float x) { return std::max(0.0f, 1 - std::abs(x)); });
  };
  const Table table = unit_table();
  const size_t length = static_cast<size_t>(width) * 3;
  resize<float>(
      image, taps(image.width, width), taps(image.height, height), threads,
      [&table](uint8_t value) { return table[value]; },
      [&](size_t y, const float* row) {
        float* out = to.data() + y * length;
        for (size_t i = 0; i < length; ++i) {
          out[i] = (row[i] - normalization.mean[i % 3]) / normalization.deviation[i % 3];
        }
      });
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
