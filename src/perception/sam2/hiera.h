// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compute/nn/convolution.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/sam2/config.h"

namespace alref::sam2 {

/// A transformer block of Hiera: attention in windows or over the whole map, then an MLP; at the
/// start of a stage queries and shortcut are pooled to half the map. x [1, H, W, dim] -> [1, H',
/// W', dim_out].
class HieraBlock {
 public:
  HieraBlock(const compute::Weights& w, const BlockConfig& config, double mlp_ratio);

  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* x) const;

  bool ends_stage() const { return config_.ends_stage; }

 private:
  ggml_tensor* attend(compute::Graph& g, ggml_tensor* x) const;

  BlockConfig config_;
  compute::nn::LayerNorm norm1_, norm2_;
  compute::nn::Linear qkv_, attention_proj_;
  ggml_tensor* qkv_bias_;
  compute::nn::Mlp mlp_;
  std::optional<compute::nn::Linear> proj_;
};

/// The image encoder's trunk (arXiv:2306.00989; sam2/modeling/backbones/hieradet.py).
///   image [1, S, S, 3] -> the four stages' maps, of stride 4, 8, 16 and 32: [1, S/4, S/4, C], ...,
///   [1, S/32, S/32, 8 C].
class Hiera {
 public:
  Hiera(const compute::Weights& w, const Config& config);

  std::vector<ggml_tensor*> operator()(compute::Graph& g, ggml_tensor* image) const;

 private:
  compute::nn::Convolution patch_embed_;
  ggml_tensor* position_;  // [S/4, S/4, C]
  std::vector<HieraBlock> blocks_;
};

}  // namespace alref::sam2
