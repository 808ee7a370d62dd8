// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"
#include "core/resize_taps.h"

namespace alref::compute {

/// A map of another size, channel by channel:
///   x [N, H, W, C], f32, the innermost dimension contiguous  ->  [N, rows, columns, C]
///   y[n, i, j, c] = sum over k, l of rows[i][k] * columns[j][l] * x[n, k, l, c]
class ResizeOp : public CustomOp {
 public:
  ResizeOp(std::vector<Taps> rows, std::vector<Taps> columns)
      : rows_(std::move(rows)), columns_(std::move(columns)) {}

  std::string_view name() const override { return "resize"; }
  void run(ggml_tensor* node, int part, int parts) const override;

 private:
  void run_plane(ggml_tensor* node, Range lines) const;  // of maps with one channel

  std::vector<Taps> rows_;
  std::vector<Taps> columns_;
};

}  // namespace alref::compute
