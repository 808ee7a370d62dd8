// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/sam2/config.h"

namespace alref::sam2 {

/// Attention between tokens and image with a narrower inner width
/// (sam2/modeling/sam/transformer.py, Attention).
///   q [Nq, dim], k and v [Nk, dim] -> [Nq, dim]
class NarrowAttention {
 public:
  NarrowAttention(const compute::Weights& w, int64_t dim, int64_t inner, int64_t heads);

  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v) const;

 private:
  compute::nn::Linear q_proj_, k_proj_, v_proj_, out_proj_;
  int64_t heads_;
  float scale_;
};

/// Tokens and image attend to each other in turn (TwoWayTransformer of the same file).
class TwoWayTransformer {
 public:
  TwoWayTransformer(const compute::Weights& w, const Config& config);

  struct Result {
    ggml_tensor* tokens;  ///< [T, d]
    ggml_tensor* image;   ///< [n * n, d]
  };
  /// image [n * n, d], image_positions the same, tokens [T, d].
  Result operator()(compute::Graph& g, ggml_tensor* image, ggml_tensor* image_positions,
                    ggml_tensor* tokens) const;

 private:
  struct Layer {
    NarrowAttention self_attention, token_to_image, image_to_token;
    compute::nn::LayerNorm norm1, norm2, norm3, norm4;
    compute::nn::Mlp mlp;
  };
  std::vector<Layer> layers_;
  NarrowAttention final_token_to_image_;
  compute::nn::LayerNorm final_norm_;
};

}  // namespace alref::sam2
