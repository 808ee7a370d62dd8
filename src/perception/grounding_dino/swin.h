// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compute/graph.h"
#include "compute/nn/convolution.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "compute/ops/deformable_attention_op.h"
#include "compute/ops/window_attention_op.h"
#include "perception/grounding_dino/config.h"

namespace alref::grounding_dino {

/// One block: attention in (shifted) windows with a relative position bias, then an MLP; both with
/// residuals. (GroundingDINO's swin_transformer.py, class SwinTransformerBlock.)
class SwinBlock {
 public:
  SwinBlock(const compute::Weights& w, int64_t channels, int64_t hidden,
            const compute::WindowAttentionParams& attention);

  /// x [B, H, W, C], and so the result.
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* x) const;

 private:
  compute::WindowAttentionParams attention_;
  compute::nn::LayerNorm norm1_, norm2_;
  compute::nn::Linear qkv_, proj_, fc1_, fc2_;
  ggml_tensor* qkv_bias_;       // [3 C]
  ggml_tensor* position_bias_;  // [heads, n, n]
};

/// Swin transformer backbone (arXiv:2103.14030).
/// Weights: patch_embed, layers.I.blocks.J, layers.I.downsample, norm1, norm2, ... as in the
/// official checkpoints.
class Swin {
 public:
  Swin(const compute::Weights& w, const Config::Swin& config);

  static constexpr int64_t kPatch = 4;

  /// Sizes of the maps of `out_indices` for an image.
  std::vector<compute::MapSize> sizes(const compute::MapSize& image) const;

  /// image [B, H, W, 3], H and W multiples of 4 -> maps [B, h, w, channels] of `out_indices`, each
  /// after its norm.
  std::vector<ggml_tensor*> operator()(compute::Graph& g, ggml_tensor* image) const;

 private:
  struct Stage {
    std::vector<SwinBlock> blocks;
    std::unique_ptr<compute::nn::LayerNorm> merge_norm;  // null: the last stage
    std::unique_ptr<compute::nn::Linear> merge;
    std::unique_ptr<compute::nn::LayerNorm> out_norm;  // null: not an output
  };

  Config::Swin config_;
  compute::nn::Convolution patch_embed_;
  compute::nn::LayerNorm patch_norm_;
  std::vector<Stage> stages_;
};

}  // namespace alref::grounding_dino
