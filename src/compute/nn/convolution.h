// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/graph.h"
#include "compute/ops/convolution_op.h"
#include "compute/weights.h"

namespace alref::compute::nn {

/// torch.nn.Conv2d on channels-last maps: x [N, H, W, in] -> [N, H', W', out], f32; patch
/// embedding, 3x3, depthwise (groups = channels) and grouped 1-D convolutions (H = kernel_h = 1).
/// Weights: weight [out, in/groups, kernel_h, kernel_w], bias [out].
class Convolution {
 public:
  Convolution(const Weights& w, int64_t in, int64_t out, const ConvolutionParams& params,
              bool bias = true);

  ggml_tensor* operator()(Graph& g, ggml_tensor* x) const;

 private:
  ConvolutionParams params_;
  ggml_tensor* weight_;  // [kh, kw, in/groups, out] for our operator, PyTorch's order for a GPU
  ggml_tensor* bias_;
};

/// torch.nn.ConvTranspose2d with kernel 2 and stride 2: x [N, H, W, in] -> [N, 2H, 2W, out], f32.
/// Weights: weight [in, out, 2, 2], bias [out].
class ConvolutionTransposed2x2 {
 public:
  ConvolutionTransposed2x2(const Weights& w, int64_t in, int64_t out);

  ggml_tensor* operator()(Graph& g, ggml_tensor* x) const;

 private:
  int64_t out_;
  ggml_tensor* weight_;  // [2 * 2 * out, in]
  ggml_tensor* bias_;    // repeated: [2 * 2 * out]
};

}  // namespace alref::compute::nn
