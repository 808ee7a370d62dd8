// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Axial rotary position encoding: the numbers 2i and 2i + 1 of a row, seen as a complex number,
/// times e^(j angle), where the first half of a head turns with the token's column in a map of
/// `width` pixels a line, the second with its line.
///
///   x [B, N, H*d], f32, the innermost dimension contiguous; table [width + height, d / 2]: cosine
///   and sine of each angle beside each other, of all columns and then of all lines  ->  [B, N, H*d]
///
/// Row r stands at pixel r mod (width * height); rows from `rotated` on are copied as they are
/// (tokens without a place).
class RopeOp : public CustomOp {
 public:
  RopeOp(int64_t width, int64_t rotated) : width_(width), rotated_(rotated) {}

  std::string_view name() const override { return "rope"; }
  void run(ggml_tensor* node, int part, int parts) const override;

  int64_t width() const { return width_; }
  int64_t rotated() const { return rotated_; }

 private:
  int64_t width_, rotated_;
};

ggml_tensor* rope(Graph& g, ggml_tensor* x, ggml_tensor* table, int64_t width, int64_t rotated);

/// The table [width + height, dim / 2] of SAM 2's axial encoding (sam2/modeling/
/// position_encoding.py, compute_axial_cis); `dim` is a multiple of 4.
std::vector<float> axial_rope_table(int64_t height, int64_t width, int64_t dim, double theta);

}  // namespace alref::compute
