// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/nn/convolution.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/sam2/config.h"

namespace alref::sam2 {

/// A frame and the mask on it as a memory (sam2/modeling/memory_encoder.py).
class MemoryEncoder {
 public:
  MemoryEncoder(const compute::Weights& w, const Config& config);

  /// embedding [n * n, d], mask [1, S, S, 1] scaled as the model wants it -> [n * n, m]
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* embedding, ggml_tensor* mask) const;

 private:
  struct Shrinking {
    compute::nn::Convolution convolution;
    compute::nn::LayerNorm norm;
  };
  struct FuserLayer {  // ConvNeXt's block (arXiv:2201.03545)
    compute::nn::Convolution depthwise;
    compute::nn::LayerNorm norm;
    compute::nn::Linear pointwise1, pointwise2;  // pointwise2 with the layer's scale multiplied in
  };

  std::vector<Shrinking> mask_layers_;
  compute::nn::Linear mask_proj_, embedding_proj_, out_proj_;
  std::vector<FuserLayer> fuser_;
};

}  // namespace alref::sam2
