// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "compute/kernels/products.h"

namespace alref::compute::kernels {

/// Of fractions 2 i / 128 and (2 i + 1) / 128: round(128 * (f - (2^f - 1))), f between them.
inline constexpr uint16_t kTable[64] = {
    0,  1,  1,  2,  2,  3,  4,  4,  5,  5,  5,  6,  6,  7,  7,  8,  8,  8,  9,  9,  9,  9,
    10, 10, 10, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 10, 10,
    10, 10, 9,  9,  9,  8,  8,  8,  7,  7,  6,  6,  5,  5,  4,  3,  3,  2,  1,  1};
inline constexpr uint16_t kLowHalves[32] = {0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20,
                                            22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42,
                                            44, 46, 48, 50, 52, 54, 56, 58, 60, 62};

/// Weights 2^(scale * score - top) as bf16, 32 at a time.
///
/// A bf16 of 2^x, without its sign, is nearly the whole number 128 * (x + 127): 7 bits of fraction
/// below the exponent. What lacks is 128 * (f - (2^f - 1)) of the fraction f, at most 11: from a
/// table of 64. The error of a weight is that of rounding it to bf16 and half as much again; sums
/// are those of the rounded weights, so that it does not add up.
class Weigher {
 public:
  static constexpr float kSteps = 128;

  explicit Weigher(float scale)
      : factor_(_mm512_set1_ps(scale * kSteps)),
        zero_(_mm512_set1_ps(kWhole)),
        low_table_(_mm512_loadu_si512(kTable)),
        high_table_(_mm512_loadu_si512(kTable + 32)),
        low_halves_(_mm512_loadu_si512(kLowHalves)),
        ones_((__m512bh)_mm512_set1_epi16(0x3f80)) {}

  /// With a whole top, all is whole from here on. From 2^16 on, floats have no more than 7 bits of
  /// fraction anyway.
  static __m512 rounded(__m512 top) {
    return _mm512_roundscale_ps(top, 7 << 4 | _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
  }
  static __m512 base(float top) { return _mm512_set1_ps(kWhole + kSteps * (127 - top)); }
  /// A half of a pair: scores of one row, whose base() it is; 0 beyond `lanes`.
  __m512i whole(__m512 scores, __m512 base, __mmask16 lanes) const {
    const __m512 x = _mm512_fmadd_ps(scores, factor_, base);
    return _mm512_castps_si512(_mm512_mask_max_ps(zero_, lanes, x, zero_));
  }
  __m512i nothing() const { return _mm512_castps_si512(zero_); }
  __m512i pair(__m512i a, __m512i b) const {
    const __m512i x = _mm512_permutex2var_epi16(a, low_halves_, b);
    return _mm512_sub_epi16(
        x, _mm512_permutex2var_epi16(low_table_, _mm512_srli_epi16(x, 1), high_table_));
  }
  __m512 add(__m512 sum, __m512i weights) const {
    return _mm512_dpbf16_ps(sum, (__m512bh)weights, ones_);
  }

 private:
  static constexpr float kWhole = 3 << 22;  // a float of this size ends with its units

  __m512 factor_, zero_;
  __m512i low_table_, high_table_, low_halves_;
  __m512bh ones_;
};

/// bf16 for Products (products.h), for the files that are built for AVX-512 BF16 only: see
/// vector_math.h.
struct Bf16 {
  using T = uint16_t;
  using Vector = __m512bh;
  static constexpr int kPerStep = 2;

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
  // What a masked store wrote is slow to load again.
  static void store(T* p, __mmask16 lanes, __m512 x) {
    if (lanes == 0xffff) return store(p, x);
    _mm256_mask_storeu_epi16(p, lanes, (__m256i)_mm512_cvtneps_pbh(x));
  }
  static __m512 gelu_of_element(__m512 x) { return gelu_for_bf16(x); }
  static __m512i gather_row(const float* p, int64_t count) {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(count), p);
    const __m512 high =
        count > 16 ? _mm512_maskz_loadu_ps(first_lanes(count - 16), p + 16) : _mm512_setzero_ps();
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
  }
  static __m512 widen(const float* p, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, p); }
  static __m512 widen(const T* p, __mmask16 lanes) {
    const __m512i words = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
  }
  static __m512i gather_row(const T* p, int64_t count) {
    const __mmask32 lanes = count >= 32 ? 0xffffffff : (1u << count) - 1;
    return _mm512_maskz_loadu_epi16(lanes, p);
  }
  /// 16 columns of two rows, side by side; no second row where `odd` is null.
  template <typename From>
  static __m512i interleave(const From* even, const From* odd, __mmask16 lanes) {
    const __m512i low = _mm512_cvtepu16_epi32(words(even, lanes));
    const __m512i high = odd ? _mm512_cvtepu16_epi32(words(odd, lanes)) : _mm512_setzero_si512();
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }
  static __m256i words(const float* p, __mmask16 lanes) {
    return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, p));
  }
  static __m256i words(const T* p, __mmask16 lanes) { return _mm256_maskz_loadu_epi16(lanes, p); }

  static float rounded_top(float top) {
    return __builtin_fabsf(top) < 65536 ? __builtin_ceilf(top * Weigher::kSteps) / Weigher::kSteps
                                        : top;
  }
  static float weigh(const float* scores, int64_t n, float scale, float top, T* weights) {
    const Weigher weigher(scale);
    const __m512 base = Weigher::base(top);
    const auto whole = [&](int64_t j, __mmask16 lanes) __attribute__((always_inline)) {
      return weigher.whole(_mm512_maskz_loadu_ps(lanes, scores + j), base, lanes);
    };
    __m512 sums[4] = {};  // one would wait for itself
    const auto put = [&](int64_t j, int i) __attribute__((always_inline)) {
      const __m512i both = weigher.pair(whole(j, 0xffff), whole(j + 16, 0xffff));
      _mm512_storeu_si512(weights + j, both);
      sums[i] = weigher.add(sums[i], both);
    };
    int64_t j = 0;
    for (; j + 128 <= n; j += 128) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) put(j + 32 * i, i);
    }
    for (; j + 32 <= n; j += 32) put(j, 0);
    __m512 sum = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
    if (j < n) {
      const __m512i both =
          weigher.pair(whole(j, first_lanes(n - j)),
                       n - j > 16 ? whole(j + 16, first_lanes(n - j - 16)) : weigher.nothing());
      _mm512_mask_storeu_epi16(weights + j, n - j > 16 ? 0xffffffff : 0xffff, both);
      sum = weigher.add(sum, both);
    }
    return _mm512_reduce_add_ps(sum);
  }
};

}  // namespace alref::compute::kernels
