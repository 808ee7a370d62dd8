// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <immintrin.h>

#include "compute/kernels/kernels.h"

// For the AVX-512 files of this folder only. Everything is static: a copy made with their
// instructions must never be the one that the linker keeps for files built without.
namespace alref::compute::kernels {

static inline __mmask16 first_lanes(long n) {
  return n >= 16 ? 0xffff : static_cast<__mmask16>((1u << n) - 1);
}

constexpr float kLog2E = 1.44269504f;  ///< log2(e): e^x is 2^(kLog2E * x)

/// 2^x: 2^floor(x) times a polynomial of the fraction, fitted for the least largest relative error
/// on [0, 1) with 2^0 = 1 exactly: 7e-8. -inf gives 0.
static inline __m512 exp2(__m512 x) {
  const __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 y = _mm512_set1_ps(1.86895634e-3f);
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.01488457e-3f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(5.57993007e-2f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.40165651e-1f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(6.93151068e-1f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(y, x);  // takes the floor of x itself
}

/// x / 2 * (1 + erf(x / sqrt 2)), erf by Abramowitz and Stegun 7.1.26: absolute error of erf
/// below 1.5e-7.
static inline __m512 gelu(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  const __m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678f));
  const __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911f), one));
  __m512 p = _mm512_set1_ps(1.061405429f);
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
  p = _mm512_mul_ps(p, t);
  const __m512 e = exp2(_mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(-kLog2E)));
  const __m512 erfc = _mm512_mul_ps(p, e);  // of |x| / sqrt 2
  const __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
  // x > 0: x - half * erfc; x < 0: half * erfc.
  const __m512 tail =
      _mm512_mul_ps(_mm512_min_ps(_mm512_set1_ps(1e30f), half), erfc);  // inf: no NaN
  const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_mov_ps(_mm512_sub_ps(x, tail), negative, tail);
}

/// GELU where the result is rounded to bf16: x * (1/2 + c * P(c^2)), c = x clamped to +-4.2, with P
/// fitted for the least largest error of the whole and to 1/2 at the ends: absolute error below
/// 8e-5, a bf16's own rounding of 0.03. No division.
static inline __m512 gelu_for_bf16(__m512 x) {
  const __m512 end = _mm512_set1_ps(4.2f), start = _mm512_set1_ps(-4.2f),
               half = _mm512_set1_ps(0.5f);
  const __m512 c = _mm512_max_ps(_mm512_min_ps(x, end), start), s = _mm512_mul_ps(c, c);
  __m512 p = _mm512_set1_ps(-9.01766805e-10f);
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(7.94143891e-8f));
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(-3.03796104e-6f));
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(6.68911462e-5f));
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(-9.50661253e-4f));
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(9.29824562e-3f));
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(-6.55282338e-2f));
  p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(3.98465892e-1f));
  p = _mm512_fmadd_ps(p, c, half);
  // Exactly 0 on the far left, also of -inf; NaN stays.
  return _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(x, start, _CMP_NLE_UQ), x, p);
}

static inline __m512 sigmoid(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  return _mm512_div_ps(one, _mm512_add_ps(one, exp2(_mm512_mul_ps(x, _mm512_set1_ps(-kLog2E)))));
}

static inline __m512 relu(__m512 x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }

namespace {  // NOLINT(google-build-namespaces): a copy for each instruction set is the point
/// The norm of one row, 16 values at a time.
class NormalizedRow {
 public:
  NormalizedRow(const float* x, long n, const RowNorm& norm) : x_(x), n_(n), norm_(norm) {
    mean_ = _mm512_set1_ps(
        total([](__m512 v, __mmask16, __m512 sum) { return _mm512_add_ps(sum, v); }) /
        static_cast<float>(n));
    const float squares = total([this](__m512 v, __mmask16 lanes, __m512 sum) {
      const __m512 d = _mm512_maskz_sub_ps(lanes, v, mean_);
      return _mm512_fmadd_ps(d, d, sum);
    });
    scale_ = _mm512_set1_ps(1.0f / std::sqrt(squares / static_cast<float>(n) + norm.eps));
  }
  /// Values i to i + 15; zeros beyond the row.
  __m512 at(long i) const {
    const __mmask16 lanes = first_lanes(n_ - i);
    __m512 v = _mm512_maskz_sub_ps(lanes, _mm512_maskz_loadu_ps(lanes, x_ + i), mean_);
    v = _mm512_mul_ps(v, scale_);
    if (norm_.weight) v = _mm512_mul_ps(v, _mm512_maskz_loadu_ps(lanes, norm_.weight + i));
    return norm_.bias ? _mm512_add_ps(v, _mm512_maskz_loadu_ps(lanes, norm_.bias + i)) : v;
  }

 private:
  // Four sums: one alone would wait for itself at every step.
  template <class Add>
  float total(const Add& add) const {
    __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                      _mm512_setzero_ps()};
    long i = 0;
    for (; i + 64 <= n_; i += 64) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sums[j] = add(_mm512_loadu_ps(x_ + i + 16 * j), 0xffff, sums[j]);
    }
    for (; i < n_; i += 16) {
      const __mmask16 lanes = first_lanes(n_ - i);
      sums[0] = add(_mm512_maskz_loadu_ps(lanes, x_ + i), lanes, sums[0]);
    }
    return _mm512_reduce_add_ps(
        _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
  }

  const float* x_;
  long n_;
  const RowNorm& norm_;
  __m512 mean_, scale_;
};

/// The same of kRows rows at a time, whose sums wait for themselves rather than for each other:
/// whole vectors, with weight and bias. Sums are taken in another order than NormalizedRow's, the
/// same for any kRows. store(row, i, values i to i + 15).
template <int kRows, class Store>
[[gnu::always_inline]] inline void normalize_rows(const float* const (&x)[kRows], long n,
                                                  const RowNorm& norm, const Store& store) {
  const float share = 1.0f / static_cast<float>(n);
  __m512 mean[kRows], scale[kRows];
  {
    __m512 sums[kRows][2] = {};
    long i = 0;
    for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        sums[r][0] = _mm512_add_ps(sums[r][0], _mm512_loadu_ps(x[r] + i));
        sums[r][1] = _mm512_add_ps(sums[r][1], _mm512_loadu_ps(x[r] + i + 16));
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      if (i < n) sums[r][0] = _mm512_add_ps(sums[r][0], _mm512_loadu_ps(x[r] + i));
      mean[r] = _mm512_set1_ps(_mm512_reduce_add_ps(_mm512_add_ps(sums[r][0], sums[r][1])) * share);
    }
  }
  {
    __m512 sums[kRows][2] = {};
    const auto add = [&](int r, int which, long i) __attribute__((always_inline)) {
      const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x[r] + i), mean[r]);
      sums[r][which] = _mm512_fmadd_ps(d, d, sums[r][which]);
    };
    long i = 0;
    for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) add(r, 0, i), add(r, 1, i + 16);
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      if (i < n) add(r, 0, i);
      const float squares = _mm512_reduce_add_ps(_mm512_add_ps(sums[r][0], sums[r][1]));
      scale[r] = _mm512_set1_ps(1.0f / std::sqrt(squares * share + norm.eps));
    }
  }
  for (long i = 0; i < n; i += 16) {
    const __m512 weight = _mm512_loadu_ps(norm.weight + i), bias = _mm512_loadu_ps(norm.bias + i);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const __m512 v = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(x[r] + i), mean[r]), scale[r]);
      store(r, i, _mm512_fmadd_ps(v, weight, bias));
    }
  }
}
}  // namespace

/// 16 x 16 words of 32 bits.
static inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

}  // namespace alref::compute::kernels
