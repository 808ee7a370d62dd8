// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// The largest of each 2 x 2 square, channel by channel (torch.nn.MaxPool2d(2, 2) on a
/// channels-last map):
///   x [N, H, W, C], f32, the innermost dimension contiguous  ->  [N, H/2, W/2, C]
class MaxPool2x2Op : public CustomOp {
 public:
  std::string_view name() const override { return "max pool 2x2"; }
  void run(ggml_tensor* node, int part, int parts) const override;
};

/// H and W are even.
ggml_tensor* max_pool_2x2(Graph& g, ggml_tensor* x);

}  // namespace alref::compute
