// SPDX-License-Identifier: Apache-2.0
// Built for AVX-512 F, BW, DQ and VL; only row_kernels() (kernels.cc) may lead here.
#include "compute/kernels/deformable.h"

#include <algorithm>

#include <immintrin.h>

#include "compute/kernels/avx512.h"
#include "compute/kernels/vector_math.h"

namespace alref::compute::kernels {
namespace {

constexpr int64_t kMostVectors = kMostDeformablePoints / 16;

/// The four pixels of each point, and their weights: 0 where a pixel is outside its level.
struct Corners {
  alignas(64) float weight[kMostVectors][4][16];
  alignas(64) int32_t byte[kMostVectors][4][16];
};

/// exp(scores - top) of up to 16 points; the rest 0.
__m512 weights_of(const float* scores, __mmask16 lanes, float top) {
  const __m512 x = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, scores), _mm512_set1_ps(top));
  return _mm512_maskz_mov_ps(lanes, exp2(_mm512_mul_ps(x, _mm512_set1_ps(kLog2E))));
}

float largest(const float* scores, int64_t count) {
  const __m512 least = _mm512_set1_ps(-__builtin_inff());
  __m512 top = least;
  for (int64_t i = 0; i < count; i += 16) {
    top = _mm512_max_ps(top, _mm512_mask_loadu_ps(least, first_lanes(count - i), scores + i));
  }
  return _mm512_reduce_max_ps(top);
}

/// x, y: places in pixels of the level, where (0, 0) is a pixel's centre.
void find_corners(const DeformablePoints& points, int64_t v, int64_t pixel_bytes, __m512 x,
                  __m512 y, __m512 attention, Corners& corners) {
  const size_t first = static_cast<size_t>(16 * v);
  const __m512 zero = _mm512_setzero_ps(), one = _mm512_set1_ps(1), low = _mm512_set1_ps(-2);
  const __m512 width = _mm512_loadu_ps(&points.width[first]),
               height = _mm512_loadu_ps(&points.height[first]);
  const __m512i stride = _mm512_loadu_si512(&points.stride[first]),
                start = _mm512_loadu_si512(&points.start[first]);
  // Beyond one pixel outside nothing counts; operands in this order also turn NaN into a number.
  x = _mm512_min_ps(_mm512_max_ps(x, low), _mm512_add_ps(width, one));
  y = _mm512_min_ps(_mm512_max_ps(y, low), _mm512_add_ps(height, one));
  const __m512 left = _mm512_floor_ps(x), upper = _mm512_floor_ps(y);
  const auto inside = [&](__m512 place, __m512 length) {
    return _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(place, zero, _CMP_GE_OQ), place, length,
                                   _CMP_LT_OQ);
  };
  const __m512 lefts[2] = {left, _mm512_add_ps(left, one)},
               uppers[2] = {upper, _mm512_add_ps(upper, one)};
  const __m512 right_share = _mm512_sub_ps(x, left), lower_share = _mm512_sub_ps(y, upper);
  const __m512 across[2] = {_mm512_sub_ps(one, right_share), right_share};
  const __m512 down[2] = {_mm512_mul_ps(attention, _mm512_sub_ps(one, lower_share)),
                          _mm512_mul_ps(attention, lower_share)};
  const __m512i pixel = _mm512_set1_epi32(static_cast<int>(pixel_bytes));
  const __m512i column = _mm512_mullo_epi32(_mm512_cvttps_epi32(left), pixel),
                line = _mm512_mullo_epi32(_mm512_cvttps_epi32(upper), stride);
  const __m512i columns[2] = {column, _mm512_add_epi32(column, pixel)},
                lines[2] = {_mm512_add_epi32(start, line),
                            _mm512_add_epi32(start, _mm512_add_epi32(line, stride))};
  const __mmask16 in_columns[2] = {inside(lefts[0], width), inside(lefts[1], width)},
                  in_lines[2] = {inside(uppers[0], height), inside(uppers[1], height)};
  for (int corner = 0; corner < 4; ++corner) {
    const int side = corner & 1, level = corner >> 1;
    const __mmask16 known = in_columns[side] & in_lines[level];
    _mm512_store_ps(corners.weight[v][corner],
                    _mm512_maskz_mul_ps(known, across[side], down[level]));
    _mm512_store_si512(corners.byte[v][corner],
                       _mm512_mask_add_epi32(start, known, columns[side], lines[level]));
  }
}

/// The upper halves of 32 bits are bf16, rounded to the nearest, ties to even; NaN stays.
__m512i rounded(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  return _mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), bits);
}

/// 32 channels. In bf16 two of them stand in each 32 bits, of which the upper one needs no shift.
template <Element kElement, Element kResult>
void gather(const Corners& corners, int64_t count, const char* map, void* result) {
  __m512 a[4], b[4];  // of each corner: one sum alone would wait for itself at every step
  for (int i = 0; i < 4; ++i) a[i] = b[i] = _mm512_setzero_ps();
  for (int64_t point = 0; point < count; ++point) {
    const int64_t v = point / 16, lane = point % 16;
#pragma GCC unroll 4
    for (int corner = 0; corner < 4; ++corner) {
      const __m512 weight = _mm512_set1_ps(corners.weight[v][corner][lane]);
      const char* pixel = map + corners.byte[v][corner][lane];
      if constexpr (kElement == Element::kBf16) {
        const __m512i both = _mm512_loadu_si512(pixel);
        const __m512i upper =
            _mm512_and_si512(both, _mm512_set1_epi32(static_cast<int>(0xffff0000)));
        a[corner] =
            _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(both, 16)), weight, a[corner]);
        b[corner] = _mm512_fmadd_ps(_mm512_castsi512_ps(upper), weight, b[corner]);
      } else {
        a[corner] = _mm512_fmadd_ps(_mm512_loadu_ps(pixel), weight, a[corner]);
        b[corner] = _mm512_fmadd_ps(_mm512_loadu_ps(pixel + 64), weight, b[corner]);
      }
    }
  }
  const __m512 first = _mm512_add_ps(_mm512_add_ps(a[0], a[1]), _mm512_add_ps(a[2], a[3]));
  const __m512 second = _mm512_add_ps(_mm512_add_ps(b[0], b[1]), _mm512_add_ps(b[2], b[3]));
  if constexpr (kResult == Element::kBf16) {
    _mm512_storeu_si512(result,
                        _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(rounded(first), 16),
                                                rounded(second)));
  } else if constexpr (kElement == Element::kBf16) {
    auto* out = static_cast<float*>(result);
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    _mm512_storeu_ps(out, _mm512_permutex2var_ps(first, low, second));
    _mm512_storeu_ps(out + 16, _mm512_permutex2var_ps(first, high, second));
  } else {
    auto* out = static_cast<float*>(result);
    _mm512_storeu_ps(out, first);
    _mm512_storeu_ps(out + 16, second);
  }
}

/// The corners of one query's points, weighed.
void place_points(const DeformableHead& h, int64_t query, Corners& corners) {
  const DeformablePoints& points = *h.points;
  const int64_t count = points.count, vectors = (count + 15) / 16;
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const __m512 half = _mm512_set1_ps(0.5f);
  const float* scores = h.scores + query * h.scores_stride;
  const float* offsets = h.offsets + query * h.offsets_stride;
  const float* place = h.reference + query * h.reference_stride;
  const float top = largest(scores, count);
  __m512 weights[kMostVectors], total = _mm512_setzero_ps();
  for (int64_t v = 0; v < vectors; ++v) {
    weights[v] = weights_of(scores + 16 * v, first_lanes(count - 16 * v), top);
    total = _mm512_add_ps(total, weights[v]);
  }
  const __m512 scale = _mm512_set1_ps(1 / _mm512_reduce_add_ps(total));
  const __m512 px = _mm512_set1_ps(place[0]), py = _mm512_set1_ps(place[1]);
  for (int64_t v = 0; v < vectors; ++v) {
    const int64_t left = 2 * (count - 16 * v);
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(left), offsets + 32 * v);
    const __m512 high =
        left > 16 ? _mm512_maskz_loadu_ps(first_lanes(left - 16), offsets + 32 * v + 16) : low;
    __m512 x = _mm512_permutex2var_ps(low, even, high), y = _mm512_permutex2var_ps(low, odd, high);
    const __m512 width = _mm512_loadu_ps(&points.width[static_cast<size_t>(16 * v)]);
    const __m512 height = _mm512_loadu_ps(&points.height[static_cast<size_t>(16 * v)]);
    if (h.boxes) {
      x = _mm512_fmadd_ps(x, _mm512_set1_ps(h.per_point * place[2]), px);
      y = _mm512_fmadd_ps(y, _mm512_set1_ps(h.per_point * place[3]), py);
      x = _mm512_fmsub_ps(x, width, half), y = _mm512_fmsub_ps(y, height, half);
    } else {
      x = _mm512_add_ps(_mm512_fmsub_ps(px, width, half), x);
      y = _mm512_add_ps(_mm512_fmsub_ps(py, height, half), y);
    }
    find_corners(points, v, h.pixel_bytes, x, y, _mm512_mul_ps(weights[v], scale), corners);
  }
}

/// Asks for what place_points reads: one head's part of a long row, where no pattern is seen.
void prefetch(const DeformableHead& h, int64_t query) {
  for (int64_t i = 0; i < h.points->count; i += 16) {
    const float* offsets = h.offsets + query * h.offsets_stride + 2 * i;
    _mm_prefetch(reinterpret_cast<const char*>(offsets), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(offsets + 16), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(h.scores + query * h.scores_stride + i),
                 _MM_HINT_T0);
  }
}

template <Element kElement, Element kResult>
void attend(const DeformableHead& h) {
  constexpr int64_t kBytes = kElement == Element::kBf16 ? 2 : 4,
                    kResultBytes = kResult == Element::kBf16 ? 2 : 4;
  // Placing the points of one query is one long chain of steps: several chains run side by side.
  constexpr int64_t kQueries = 8;
  Corners corners[kQueries];
  for (int64_t first = 0; first < h.queries; first += kQueries) {
    const int64_t some = std::min(kQueries, h.queries - first);
    for (int64_t i = first + kQueries; i < std::min(first + 2 * kQueries, h.queries); ++i)
      prefetch(h, i);
    for (int64_t i = 0; i < some; ++i) place_points(h, first + i, corners[i]);
    for (int64_t i = 0; i < some; ++i) {
      for (int64_t c = 0; c < h.channels; c += 32) {
        gather<kElement, kResult>(
            corners[i], h.points->count, static_cast<const char*>(h.map) + c * kBytes,
            static_cast<char*>(h.result) + ((first + i) * h.result_stride + c) * kResultBytes);
      }
    }
  }
}

}  // namespace

void deformable_head(const DeformableHead& h) {
  if (h.element == Element::kF32) return attend<Element::kF32, Element::kF32>(h);
  return h.result_element == Element::kF32 ? attend<Element::kBf16, Element::kF32>(h)
                                           : attend<Element::kBf16, Element::kBf16>(h);
}

}  // namespace alref::compute::kernels
