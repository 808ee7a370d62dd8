// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

// For the AVX-512 files of this folder only. Everything is static: a copy made with their instructions must never be the
// one that the linker keeps for files built without.
namespace alref::compute::kernels {

static inline __mmask16 first_lanes(long n) {
  return n >= 16 ? 0xffff : static_cast<__mmask16>((1u << n) - 1);
}

/// 2^x: 2^floor(x) times a polynomial of the fraction, fitted for the least largest relative error on [0, 1) with
/// 2^0 = 1 exactly: 7e-8. -inf gives 0.
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

/// x / 2 * (1 + erf(x / sqrt 2)), erf by Abramowitz and Stegun 7.1.26: absolute error of erf below 1.5e-7.
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
  const __m512 e = exp2(_mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(-1.44269504f)));
  const __m512 erfc = _mm512_mul_ps(p, e);  // of |x| / sqrt 2
  const __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
  // x > 0: x - half * erfc; x < 0: half * erfc.
  const __m512 tail = _mm512_mul_ps(_mm512_min_ps(_mm512_set1_ps(1e30f), half), erfc);  // inf: no NaN
  const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_mov_ps(_mm512_sub_ps(x, tail), negative, tail);
}

static inline __m512 relu(__m512 x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }

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
