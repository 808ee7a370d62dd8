// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#include "compute/kernels/kernels.h"
#include "compute/kernels/vector_math.h"

// For the AVX-512 files of this folder only: see vector_math.h. E says how one element type is
// loaded and multiplied:
//   T          the element in memory
//   kPerStep   elements of k that one multiplication takes: 1, or 2 beside each other in 32 bits
//   kMultiple  k is rounded up to this, with zeros
//   place      where 16 columns of a step stand in a panel: (step, which 16, of how many, of how
//   many steps) load, broadcast, step (multiply and add), store, gather_row, interleave
//   gelu_of_element: GELU of what is then stored as an element
//   rounded_top, weigh: the weights 2^(scale * score - top) of n scores up to the next multiple of
//   16, and their sum
namespace alref::compute::kernels {

template <class E>
struct Products {
  using T = typename E::T;
  static constexpr int kPerStep = E::kPerStep;
  static int64_t padded(int64_t k) { return (k + E::kMultiple - 1) / E::kMultiple * E::kMultiple; }
  // Rows for which the sums fill the registers, with `width` vectors of columns: 24 sums, 4
  // columns, 1 pair.
  static constexpr int rows_of(int width) { return width == 4 ? 6 : width == 3 ? 8 : 12; }

  template <int kRows, int kWidth>
  [[gnu::always_inline]] static inline void finish(__m512 (&sum)[kRows][kWidth], float* c,
                                                   std::ptrdiff_t stride, __mmask16 last,
                                                   int64_t row, int64_t column, const Epilogue& e) {
    const auto lanes = [&](int j) {
      return j == kWidth - 1 ? last : static_cast<__mmask16>(0xffff);
    };
    if (e.row_scale) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const __m512 scale = _mm512_set1_ps(e.row_scale[row + i]);
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = _mm512_mul_ps(sum[i][j], scale);
      }
    }
    if (e.bias) {
#pragma GCC unroll 12
      for (int j = 0; j < kWidth; ++j) {
        const __m512 bias = _mm512_maskz_loadu_ps(lanes(j), e.bias + column + 16 * j);
#pragma GCC unroll 12
        for (int i = 0; i < kRows; ++i) sum[i][j] = _mm512_add_ps(sum[i][j], bias);
      }
    }
    if (e.activation == Activation::kRelu) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = relu(sum[i][j]);
      }
    } else if (e.activation == Activation::kGelu) {
      // Through memory, so that the compiler need not keep 24 sums beside GELU's constants.
      alignas(64) float tile[kRows * kWidth][16];
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) _mm512_store_ps(tile[i * kWidth + j], sum[i][j]);
      }
      if (e.elements) {
#pragma GCC unroll 2
        for (int t = 0; t < kRows * kWidth; ++t)
          _mm512_store_ps(tile[t], E::gelu_of_element(_mm512_load_ps(tile[t])));
      } else {
#pragma GCC unroll 2
        for (int t = 0; t < kRows * kWidth; ++t)
          _mm512_store_ps(tile[t], gelu(_mm512_load_ps(tile[t])));
      }
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = _mm512_load_ps(tile[i * kWidth + j]);
      }
    }
    if (e.residual) {
      const float* residual = e.residual + row * e.residual_stride + column;
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) {
          sum[i][j] = _mm512_add_ps(
              sum[i][j],
              _mm512_maskz_loadu_ps(lanes(j), residual + i * e.residual_stride + 16 * j));
        }
      }
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
      for (int j = 0; j < kWidth; ++j) {
        float* at = c + i * stride + 16 * j;
        if (e.elements) {
          E::store(static_cast<T*>(e.elements) + (row + i) * e.elements_stride + column + 16 * j,
                   lanes(j), sum[i][j]);
        } else if (e.stream) {
          _mm512_stream_ps(at, sum[i][j]);
        } else if (j < kWidth - 1 || last == 0xffff) {
          _mm512_storeu_ps(at, sum[i][j]);  // what a masked store wrote is slow to load again
        } else {
          _mm512_mask_storeu_ps(at, last, sum[i][j]);
        }
      }
    }
  }

  template <int kRows, int kWidth>
  static void tile(const T* a, std::ptrdiff_t a_stride, const T* panel, int64_t steps, float* c,
                   std::ptrdiff_t c_stride, __mmask16 last, int64_t row, int64_t column,
                   const Epilogue& e) {
    __m512 sum[kRows][kWidth];
    if (e.accumulate) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) {
          sum[i][j] = _mm512_maskz_loadu_ps(j == kWidth - 1 ? last : static_cast<__mmask16>(0xffff),
                                            c + i * c_stride + 16 * j);
        }
      }
    } else {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = _mm512_setzero_ps();
      }
    }
    for (int64_t k = 0; k < steps; ++k) {
      typename E::Vector columns[kWidth];
#pragma GCC unroll 12
      for (int j = 0; j < kWidth; ++j)
        columns[j] = E::load(panel + (k * kWidth + j) * 16 * kPerStep);
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const typename E::Vector pair = E::broadcast(a + i * a_stride + k * kPerStep);
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = E::step(sum[i][j], pair, columns[j]);
      }
    }
    finish(sum, c, c_stride, last, row, column, e);
  }

  using Tile = void (*)(const T*, std::ptrdiff_t, const T*, int64_t, float*, std::ptrdiff_t,
                        __mmask16, int64_t, int64_t, const Epilogue&);

  template <int kWidth, int... kLess>
  static Tile tile_of(int64_t rows, std::integer_sequence<int, kLess...>) {
    static constexpr Tile kTiles[] = {tile<kLess + 1, kWidth>...};
    return kTiles[rows - 1];
  }
  template <int kWidth>
  static Tile tile_of(int64_t rows) {
    return tile_of<kWidth>(rows, std::make_integer_sequence<int, rows_of(kWidth)>());
  }
  static Tile tile_of(int64_t rows, int64_t width) {
    switch (width) {
      case 1:
        return tile_of<1>(rows);
      case 2:
        return tile_of<2>(rows);
      case 3:
        return tile_of<3>(rows);
      default:
        return tile_of<4>(rows);
    }
  }

  static void product(const void* a, std::ptrdiff_t a_stride, int64_t m, const void* packed,
                      int64_t k, int64_t n, int64_t first, int64_t end, float* c,
                      std::ptrdiff_t c_stride, const Epilogue& e, const SoftmaxBlock* meanwhile) {
    if (meanwhile) softmax(*meanwhile);
    const Panels panels(n);
    const int64_t steps = (k + kPerStep - 1) / kPerStep;
    for (int64_t p = first; p < end; ++p) {
      const int64_t column = 16 * panels.begin(p), width = panels.width(p);
      const T* panel = static_cast<const T*>(packed) + column * steps * kPerStep;
      const __mmask16 last = first_lanes(n - column - 16 * (width - 1));
      const int64_t most = rows_of(static_cast<int>(width));
      const Tile whole = tile_of(most, width);
      int64_t row = 0;
      for (; row + most <= m; row += most) {
        whole(static_cast<const T*>(a) + row * a_stride, a_stride, panel, steps,
              c + row * c_stride + column, c_stride, last, row, column, e);
      }
      if (row < m) {
        tile_of(m - row, width)(static_cast<const T*>(a) + row * a_stride, a_stride, panel, steps,
                                c + row * c_stride + column, c_stride, last, row, column, e);
      }
    }
    if (e.stream) _mm_sfence();  // such stores are ordered by nothing else
  }

  template <typename From>
  static void pack_transposed(const void* const* b, int64_t k, int64_t columns, int64_t width,
                              void* panel) {
    constexpr int64_t kBlock = 16 * kPerStep;  // of k, in one transposition
    const int64_t steps = padded(k) / kPerStep;
    for (int64_t j = 0; j < width; ++j) {
      const int64_t rows = columns - 16 * j;
      for (int64_t k0 = 0; k0 < k; k0 += kBlock) {
        __m512i r[16];
        for (int i = 0; i < 16; ++i) {
          r[i] = i < rows ? E::gather_row(static_cast<const From*>(b[16 * j + i]) + k0, k - k0)
                          : _mm512_setzero_si512();
        }
        transpose(r);
        for (int i = 0; i < 16 && k0 / kPerStep + i < steps; ++i) {
          _mm512_storeu_si512(
              static_cast<T*>(panel) + E::place(k0 / kPerStep + i, j, width, steps) * 16 * kPerStep,
              r[i]);
        }
      }
    }
  }

  template <typename From>
  static void pack(const void* const* b, int64_t begin, int64_t k, int64_t columns, int64_t width,
                   void* panel) {
    const int64_t steps = padded(k) / kPerStep;
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t k0 = step * kPerStep;
      if (k0 >= k) {
        for (int64_t j = 0; j < width; ++j) {
          _mm512_storeu_si512(
              static_cast<T*>(panel) + E::place(step, j, width, steps) * 16 * kPerStep,
              _mm512_setzero_si512());
        }
        continue;
      }
      for (int64_t j = 0; j < width; ++j) {
        const __mmask16 lanes =
            columns > 16 * j ? first_lanes(columns - 16 * j) : static_cast<__mmask16>(0);
        const auto row = [&](int64_t i) { return static_cast<const From*>(b[i]) + begin + 16 * j; };
        const bool has_odd = kPerStep == 2 && k0 + 1 < k;
        _mm512_storeu_si512(
            static_cast<T*>(panel) + E::place(step, j, width, steps) * 16 * kPerStep,
            E::interleave(row(k0), has_odd ? row(k0 + 1) : nullptr, lanes));
      }
    }
  }

  static bool has_nan(const float* x, int64_t n) {
    __mmask16 found = 0;
    for (int64_t j = 0; j < n; j += 16) {
      const __m512 some = _mm512_maskz_loadu_ps(first_lanes(n - j), x + j);
      found |= _mm512_cmp_ps_mask(some, some, _CMP_UNORD_Q);
    }
    return found != 0;
  }

  // From here on 2^(scale * score - top) loses its precision to the rounding of the exponent's
  // large parts, and in the end all of it.
  static constexpr float kLargeTop = 1024;
  // Makes such scores scale * score - top. The product is rounded as the top was: multiplied and
  // subtracted at once, the highest would not become 0.
  static void lower(float* scores, int64_t keys, float scale, float top) {
    for (int64_t j = 0; j < keys; j += 16) {
      const __m512 x = _mm512_mul_round_ps(_mm512_loadu_ps(scores + j), _mm512_set1_ps(scale),
                                           _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm512_storeu_ps(scores + j, _mm512_sub_ps(x, _mm512_set1_ps(top)));
    }
  }

  // kFirst: the first block, before which there is nothing.
  template <bool kAdd, bool kFirst>
  static void softmax_row(const SoftmaxBlock& s, int64_t row) {
    const __m512 negative = _mm512_set1_ps(-__builtin_inff());
    const float unit = 1.44269504f;  // log2(e)
    float* scores = s.scores + row * s.scores_stride;
    const float* bias = s.bias ? s.bias + row * s.bias_stride : nullptr;
    const float* mask = s.mask ? s.mask + row * s.mask_stride : nullptr;
    const __m512 scale = _mm512_set1_ps(s.scale * unit);

    const int64_t whole = s.keys / 16 * 16;
    const __mmask16 rest = first_lanes(s.keys - whole);

    // Four of each, since one would wait for itself: beside a product on tiles, a row's way from
    // its first score to its last weight must be short.
    __m512 highs[4] = {negative, negative, negative, negative}, anys[4] = {};
    const auto raise = [&](int64_t j, __mmask16 lanes, int i) __attribute__((always_inline)) {
      __m512 x = _mm512_loadu_ps(scores + j);
      if constexpr (kAdd) {
        x = _mm512_mul_ps(x, scale);
        if (bias)
          x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, bias + j), _mm512_set1_ps(unit), x);
        if (mask)
          x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, mask + j), _mm512_set1_ps(unit), x);
        _mm512_storeu_ps(scores + j, x);
      }
      highs[i] = _mm512_mask_max_ps(highs[i], lanes, highs[i], x);
      anys[i] = _mm512_mask_add_ps(anys[i], lanes, anys[i], x);
    };
    int64_t j = 0;
    for (; j + 64 <= whole; j += 64) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) raise(j + 16 * i, 0xffff, i);
    }
    for (; j < whole; j += 16) raise(j, 0xffff, 0);
    if (rest) raise(whole, rest, 1);
    const __m512 high =
        _mm512_max_ps(_mm512_max_ps(highs[0], highs[1]), _mm512_max_ps(highs[2], highs[3]));
    const __m512 any =
        _mm512_add_ps(_mm512_add_ps(anys[0], anys[1]), _mm512_add_ps(anys[2], anys[3]));
    // Stays NaN. Infinity less infinity makes one, too, where the sum of numbers became infinite.
    const bool nan = _mm512_cmp_ps_mask(any, any, _CMP_UNORD_Q) != 0 && has_nan(scores, s.keys);
    float top = _mm512_reduce_max_ps(high);
    if constexpr (!kAdd) top *= s.scale * unit;
    top = E::rounded_top(top);
    const float before = kFirst ? -__builtin_inff() : s.tops[row];
    if constexpr (!kFirst) top = before > top ? before : top;

    T* weights = static_cast<T*>(s.weights) + row * s.weights_stride;
    const int64_t end = padded(s.keys);
    if (top == -__builtin_inff()) {  // no key seen so far counts
      std::memset(weights, 0, static_cast<size_t>(end) * sizeof(T));
      if (kFirst) s.tops[row] = top;
      if (kFirst || nan) s.sums[row] = nan ? __builtin_nanf("") : 0;
      return;
    }
    float sum = __builtin_nanf("");
    if (__builtin_fabsf(top) < kLargeTop) [[likely]] {
      sum = E::weigh(scores, s.keys, kAdd ? 1 : s.scale * unit, top, weights);
    } else if (__builtin_isfinite(top)) {
      lower(scores, s.keys, kAdd ? 1 : s.scale * unit, top);
      sum = E::weigh(scores, s.keys, 1, 0, weights);
    }
    for (j = (s.keys + 15) / 16 * 16; j < end; j += 16) E::store(weights + j, _mm512_setzero_ps());
    if (nan) sum = __builtin_nanf("");
    s.tops[row] = top;
    if constexpr (kFirst) {
      s.sums[row] = sum;
      return;
    }
    if (before != top) {
      const float less = _mm512_cvtss_f32(exp2(_mm512_set1_ps(before - top)));
      s.sums[row] *= less;
      float* result = s.result + row * s.result_stride;
      for (j = 0; j < s.columns; j += 16) {
        const __mmask16 lanes = first_lanes(s.columns - j);
        _mm512_mask_storeu_ps(
            result + j, lanes,
            _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, result + j), _mm512_set1_ps(less)));
      }
    }
    s.sums[row] += sum;
  }

  static void softmax(const SoftmaxBlock& s) {
    const bool add = s.bias || s.mask;
    const auto of_row = s.result ? (add ? softmax_row<true, false> : softmax_row<false, false>)
                                 : (add ? softmax_row<true, true> : softmax_row<false, true>);
    for (int64_t row = s.begin; row < s.end; ++row) of_row(s, row);
  }

  // values(row, i, lanes): those from i on.
  template <class Values>
  [[gnu::always_inline]] static inline void fill(int64_t count, int64_t n, void* y,
                                                 std::ptrdiff_t stride, const Values& values) {
    for (int64_t row = 0; row < count; ++row) {
      T* out = static_cast<T*>(y) + row * stride;
      int64_t i = 0;
      for (; i + 16 <= n; i += 16) E::store(out + i, values(row, i, 0xffff));
      if (i < n) E::store(out + i, values(row, i, first_lanes(n - i)));
      for (i = (n + 15) / 16 * 16; i < padded(n); i += 16) E::store(out + i, _mm512_setzero_ps());
    }
  }

  static void convert(const void* const* rows, int64_t count, int64_t n, void* y,
                      std::ptrdiff_t stride) {
    fill(count, n, y, stride, [&](int64_t row, int64_t i, __mmask16 lanes) {
      return _mm512_maskz_loadu_ps(lanes, static_cast<const float*>(rows[row]) + i);
    });
  }

  static void add(const void* const* rows, const void* const* more, int64_t count, int64_t n,
                  void* y, std::ptrdiff_t stride) {
    fill(count, n, y, stride, [&](int64_t row, int64_t i, __mmask16 lanes) {
      return _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, static_cast<const float*>(rows[row]) + i),
                           _mm512_maskz_loadu_ps(lanes, static_cast<const float*>(more[row]) + i));
    });
  }

  static void copy(const void* const* rows, int64_t count, int64_t n, void* y,
                   std::ptrdiff_t stride) {
    const auto whole = static_cast<size_t>(n) * sizeof(T),
               end = static_cast<size_t>(std::max((n + 15) / 16 * 16, padded(n))) * sizeof(T);
    for (int64_t row = 0; row < count; ++row) {
      const auto* from = static_cast<const char*>(rows[row]);
      auto* out = reinterpret_cast<char*>(static_cast<T*>(y) + row * stride);
      size_t i = 0;
      for (; i + 64 <= whole; i += 64) _mm512_storeu_si512(out + i, _mm512_loadu_si512(from + i));
      if (i == end) continue;
      const __mmask64 lanes = (uint64_t{1} << (whole - i)) - 1;
      const __m512i rest = _mm512_maskz_loadu_epi8(lanes, from + i);
      const size_t left = end - i;  // at most 64: rows end on whole or half lines
      _mm512_mask_storeu_epi8(out + i, left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1, rest);
    }
  }

  template <typename From>
  static void largest(const void* const* rows, int64_t n, void* y, bool elements) {
    for (int64_t i = 0; i < n; i += 16) {
      const __mmask16 lanes = first_lanes(n - i);
      const auto row = [&](int r) {
        return E::widen(static_cast<const From*>(rows[r]) + i, lanes);
      };
      const auto larger = [](__m512 a, __m512 b) { return _mm512_max_ps(b, a); };  // NaN: a
      const __m512 top = larger(larger(row(0), row(1)), larger(row(2), row(3)));
      if (elements) {
        E::store(static_cast<T*>(y) + i, lanes, top);
      } else {
        _mm512_mask_storeu_ps(static_cast<float*>(y) + i, lanes, top);
      }
    }
  }

  static void scatter(const float* x, std::ptrdiff_t stride, const float* scale, int64_t count,
                      int64_t n, void* const* rows, bool elements) {
    for (int64_t row = 0; row < count; ++row, x += stride) {
      if (!rows[row]) continue;
      const __m512 factor = _mm512_set1_ps(scale ? scale[row] : 1.0f);
      for (int64_t i = 0; i < n; i += 16) {
        const __mmask16 lanes = first_lanes(n - i);
        const __m512 some = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), factor);
        if (elements) {
          E::store(static_cast<T*>(rows[row]) + i, lanes, some);
        } else {
          _mm512_mask_storeu_ps(static_cast<float*>(rows[row]) + i, lanes, some);
        }
      }
    }
  }

  static constexpr OperandKernels kFromF32 = {convert, pack_transposed<float>, pack<float>,
                                              largest<float>},
                                  kFromElements = {copy, pack_transposed<T>, pack<T>, largest<T>};

  static void normalize(const void* const* rows, int64_t count, int64_t n, const RowNorm& norm,
                        void* y, std::ptrdiff_t stride) {
    const int64_t end = std::max((n + 15) / 16 * 16, padded(n));
    int64_t row = 0;
    if (n % 16 == 0 && norm.weight && norm.bias) {
      for (; row + 4 <= count; row += 4) {
        const float* x[4];
        for (int64_t r = 0; r < 4; ++r) x[r] = static_cast<const float*>(rows[row + r]);
        T* out = static_cast<T*>(y) + row * stride;
        const bool more = row + 8 <= count;
        normalize_rows(x, n, norm, [&](int r, int64_t i, __m512 v) {
          E::store(out + r * stride + i, v);
          if (more) __builtin_prefetch(static_cast<const float*>(rows[row + 4 + r]) + i);
        });
        for (int64_t r = 0; r < 4; ++r)
          for (int64_t i = n; i < end; i += 16) E::store(out + r * stride + i, _mm512_setzero_ps());
      }
    }
    for (; row < count; ++row) {
      T* out = static_cast<T*>(y) + row * stride;
      const NormalizedRow normalized(static_cast<const float*>(rows[row]), n, norm);
      for (int64_t i = 0; i < end; i += 16)
        E::store(out + i, i < n ? normalized.at(i) : _mm512_setzero_ps());
    }
  }
};

}  // namespace alref::compute::kernels
