// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Rotary position encoding: the numbers 2i and 2i + 1 of a row, seen as a complex number, times
/// e^(j angle).
///
///   x [B, N, H*d], f32, the innermost dimension contiguous; table [n, d]: cosine and sine of each
///   angle beside each other  ->  [B, N, H*d]
///
/// Row r takes the table's row r mod n; rows from `rotated` on are copied as they are (tokens
/// without a place).
class RopeOp : public CustomOp {
 public:
  explicit RopeOp(int64_t rotated) : rotated_(rotated) {}

  std::string_view name() const override { return "rope"; }
  void run(ggml_tensor* node, int part, int parts) const override;

  int64_t rotated() const { return rotated_; }

 private:
  int64_t rotated_;
};

ggml_tensor* rope(Graph& g, ggml_tensor* x, ggml_tensor* table, int64_t rotated);

/// The table [height * width, dim] of SAM 2's axial encoding (sam2/modeling/position_encoding.py,
/// compute_axial_cis): the first half of a row turns with the column, the second with the row.
/// `dim` is a multiple of 4.
std::vector<float> axial_rope_table(int64_t height, int64_t width, int64_t dim, double theta);

}  // namespace alref::compute
