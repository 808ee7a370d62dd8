// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "compute/kernels/products.h"

namespace alref::compute::kernels {

/// bf16 for Products (products.h), for the files that are built for AVX-512 BF16 only: see
/// vector_math.h.
struct Bf16 {
  using T = uint16_t;
  using Vector = __m512bh;
  static constexpr int kPerStep = 2;
  static constexpr bool kExact = false;

  static __m512bh load(const T* p) { return (__m512bh)_mm512_loadu_si512(p); }
  static __m512bh broadcast(const T* p) {
    int pair;
    std::memcpy(&pair, p, sizeof(pair));
    return (__m512bh)_mm512_set1_epi32(pair);
  }
  static __m512 step(__m512 sum, __m512bh a, __m512bh b) { return _mm512_dpbf16_ps(sum, a, b); }
  static void store(T* p, __m512 x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(x));
  }
  static __m512i gather_row(const float* p, int64_t count) {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(count), p);
    const __m512 high =
        count > 16 ? _mm512_maskz_loadu_ps(first_lanes(count - 16), p + 16) : _mm512_setzero_ps();
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
  }
  static __m512i interleave(__m512 even, __m512 odd) {
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even));
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }
};

}  // namespace alref::compute::kernels
