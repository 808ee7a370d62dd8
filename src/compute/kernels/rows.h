// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#include "compute/kernels/kernels.h"
#include "compute/kernels/vector_math.h"

// For the AVX-512 files of this folder only: see vector_math.h. E says how one element type is
// stored:
//   T          the element in memory
//   kMultiple  rows that a product reads are rounded up to this, with zeros
//   store, and widen: 16 values of either type as f32
//   rounded_top, weigh: the weights 2^(scale * score - top) of n scores up to the next multiple of
//   16, and their sum
namespace alref::compute::kernels {

/// What stands before, between and behind products, row by row (BlockKernels, OperandKernels).
template <class E>
struct ElementRows {
  using T = typename E::T;
  static int64_t padded(int64_t n) { return (n + E::kMultiple - 1) / E::kMultiple * E::kMultiple; }

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
    float* scores = s.scores + row * s.scores_stride;
    const float* bias = s.bias ? s.bias + row * s.bias_stride : nullptr;
    const float* mask = s.mask ? s.mask + row * s.mask_stride : nullptr;
    const __m512 scale = _mm512_set1_ps(s.scale * kLog2E);

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
          x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, bias + j), _mm512_set1_ps(kLog2E), x);
        if (mask)
          x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, mask + j), _mm512_set1_ps(kLog2E), x);
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
    if constexpr (!kAdd) top *= s.scale * kLog2E;
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
      sum = E::weigh(scores, s.keys, kAdd ? 1 : s.scale * kLog2E, top, weights);
    } else if (__builtin_isfinite(top)) {
      lower(scores, s.keys, kAdd ? 1 : s.scale * kLog2E, top);
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

  // kRows rows of whole vectors, with weight and bias; the next ones are asked for if there are
  // `more`.
  template <int kRows>
  static void normalize_whole(const void* const* rows, int64_t n, const RowNorm& norm, T* y,
                              std::ptrdiff_t stride, bool more) {
    const float* x[kRows];
    for (int r = 0; r < kRows; ++r) x[r] = static_cast<const float*>(rows[r]);
    normalize_rows(x, n, norm, [&](int r, int64_t i, __m512 v) {
      E::store(y + r * stride + i, v);
      if (more) __builtin_prefetch(static_cast<const float*>(rows[kRows + r]) + i);
    });
    for (int r = 0; r < kRows; ++r)
      for (int64_t i = n; i < padded(n); i += 16) E::store(y + r * stride + i, _mm512_setzero_ps());
  }

  // A row comes out the same bit by bit, whichever rows are done with it.
  static void normalize(const void* const* rows, int64_t count, int64_t n, const RowNorm& norm,
                        void* y, std::ptrdiff_t stride) {
    auto* out = static_cast<T*>(y);
    int64_t row = 0;
    if (n % 16 == 0 && norm.weight && norm.bias) {
      for (; row + 4 <= count; row += 4)
        normalize_whole<4>(rows + row, n, norm, out + row * stride, stride, row + 8 <= count);
      for (; row < count; ++row)
        normalize_whole<1>(rows + row, n, norm, out + row * stride, stride, false);
      return;
    }
    const int64_t end = std::max((n + 15) / 16 * 16, padded(n));
    for (; row < count; ++row) {
      const NormalizedRow normalized(static_cast<const float*>(rows[row]), n, norm);
      for (int64_t i = 0; i < end; i += 16)
        E::store(out + row * stride + i, i < n ? normalized.at(i) : _mm512_setzero_ps());
    }
  }
};

}  // namespace alref::compute::kernels
