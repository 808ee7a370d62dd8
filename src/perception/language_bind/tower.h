// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compute/graph.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/language_bind/config.h"

namespace alref::language_bind {

/// CLIP's pre-norm transformer (arXiv:2103.00020; Hugging Face modeling_clip.py, class
/// CLIPEncoder).
///   x [B, N, dim] -> [B, N, dim]
/// Weights: layers.I.{layer_norm1, self_attn.{q,k,v,out}_proj, layer_norm2, mlp.fc1, mlp.fc2}.
class Tower {
 public:
  Tower(const compute::Weights& w, const TowerConfig& config);

  /// mask [1, N, N] or null. The first `wanted` tokens' results, [B, wanted, dim], where that is
  /// given: the last layer is computed for them only.
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* x, ggml_tensor* mask,
                          std::optional<int64_t> wanted = std::nullopt) const;

 private:
  struct Layer {
    Layer(const compute::Weights& w, const TowerConfig& config);

    compute::nn::LayerNorm norm1, norm2;
    compute::nn::Linear query, key, value, out, fc1, fc2;
  };

  TowerConfig config_;
  std::vector<Layer> layers_;
};

}  // namespace alref::language_bind
