// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"

namespace alref::compute {

struct ConvolutionParams {
  int64_t kernel_h = 1;
  int64_t kernel_w = 1;
  int64_t stride_h = 1;
  int64_t stride_w = 1;
  int64_t pad_h = 0;
  int64_t pad_w = 0;
  int64_t groups = 1;
};

/// Convolution of channels-last maps with zero padding, f32:
///   x [N, H, W, Cin], weight [kh, kw, Cin/groups, Cout], bias [Cout] (optional)  ->  [N, H', W',
///   Cout]
/// with H' = (H + 2 pad - kh) / stride + 1, as torch.nn.Conv2d.
class ConvolutionOp : public CustomOp {
 public:
  ConvolutionOp(const ConvolutionParams& params, bool has_bias)
      : params_(params), has_bias_(has_bias) {}

  std::string_view name() const override { return "convolution"; }
  void run(ggml_tensor* node, int part, int parts) const override;

  const ConvolutionParams& params() const { return params_; }
  const ggml_tensor* bias(const ggml_tensor* node) const {
    return has_bias_ ? node->src[2] : nullptr;
  }

 private:
  ConvolutionParams params_;
  bool has_bias_;
};

}  // namespace alref::compute
