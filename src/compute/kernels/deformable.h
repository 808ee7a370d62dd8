// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "compute/kernels/kernels.h"

namespace alref::compute::kernels {

constexpr int64_t kMostDeformablePoints = 64;  ///< of a head

/// What depends only on a point's place in the list of one head's points; behind the last one
/// stands what is harmless to compute with.
struct DeformablePoints {
  template <typename T>
  using Each = std::array<T, kMostDeformablePoints>;

  Each<float> width, height;    ///< of the point's level
  Each<int32_t> stride, start;  ///< bytes from line to line; first byte of the level
  int64_t count;                ///< without the padding
};

/// Multi-scale deformable attention of one head (compute/ops/deformable_attention_op.h says what it
/// computes).
struct DeformableHead {
  const DeformablePoints* points;
  /// [pixels, channels] of `element`, the levels one after the other; less than 2 GiB.
  const void* map;
  Element element;
  int64_t pixel_bytes;  ///< from one pixel to the next
  int64_t channels;     ///< a multiple of 32
  int64_t queries;
  /// Of the first query and this head, each with its stride from query to query.
  const float *offsets, *scores, *reference;
  std::ptrdiff_t offsets_stride, scores_stride, reference_stride;
  bool boxes;       ///< references are boxes (centre, size) and offsets are shares of their halves
  float per_point;  ///< share of the box that an offset of 1 is
  void* result;     ///< [queries, channels] of `result_element`
  Element result_element;        ///< f32, or bf16 as the map is
  std::ptrdiff_t result_stride;  ///< in elements
};

}  // namespace alref::compute::kernels
