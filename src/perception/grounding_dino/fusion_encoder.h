// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/graph.h"
#include "compute/nn/deformable_attention.h"
#include "compute/nn/linear.h"
#include "compute/nn/multihead_attention.h"
#include "compute/nn/norm.h"
#include "perception/grounding_dino/config.h"

namespace alref::grounding_dino {

/// Image and text features on their way through the encoder.
struct ImageAndText {
  ggml_tensor* image;  ///< [B, S, d]
  ggml_tensor* text;   ///< [B, T, d]
};

/// Cross attention both ways between image and text, with norms before and layer scales after
/// (GroundingDINO's fuse_modules.py, class BiAttentionBlock).
///
/// The official code projects every image token to queries and values of fusion_dim channels. Since
/// a caption has few tokens, the same sums are taken in another order here: the text's keys and
/// values go through the image's projections instead,
///   scores[n, h, t] = x[n] . (Wv_h^T k_h[t]) + bv_h . k_h[t],    image += softmax_t(scores) .
///   (Wo_h v_h[t]), text[h, t]      = Wvv_h . (softmax_n(scores) . x) + bvv_h,
/// which for T tokens takes T / head_dim of the work and no tensor of fusion_dim channels per
/// pixel.
///
/// The official clamps of scores at +-50000 below their maximum keep half precision from
/// overflowing; scores here are f32, whose softmax is the same without.
class BiAttention {
 public:
  BiAttention(const compute::Weights& w, const Config& config);

  ImageAndText operator()(compute::Graph& g, ImageAndText in) const;

 private:
  ggml_tensor* per_head(compute::Graph& g, ggml_tensor* x) const;

  int64_t heads_, head_dim_;
  compute::nn::LayerNorm image_norm_, text_norm_;
  compute::nn::Linear keys_, text_values_;
  ggml_tensor*
      scores_weight_;  // [heads, d, head_dim]: the image's query projection, transposed and scaled
  ggml_tensor* scores_bias_;          // [heads, 1, head_dim]
  ggml_tensor* image_out_weight_;     // [heads, d, head_dim], scaled by gamma_v
  ggml_tensor* image_out_bias_;       // [d], scaled by gamma_v
  ggml_tensor* image_values_weight_;  // [heads, head_dim, d]
  ggml_tensor* image_values_bias_;    // [heads * head_dim]
  compute::nn::Linear text_out_;      // scaled by gamma_l
};

/// Self attention of the text within sub-sentences (transformer_vanilla.py, class
/// TransformerEncoderLayer).
class TextEnhancer {
 public:
  TextEnhancer(const compute::Weights& w, const Config& config);

  /// text [B, T, d], positions [T, d], mask [1, T, T] -> [B, T, d].
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* text, ggml_tensor* positions,
                          ggml_tensor* mask) const;

 private:
  compute::nn::MultiheadAttention attention_;
  compute::nn::Linear linear1_, linear2_;
  compute::nn::LayerNorm norm1_, norm2_;
};

/// Deformable self attention of the image (transformer.py, class
/// DeformableTransformerEncoderLayer).
class DeformableLayer {
 public:
  DeformableLayer(const compute::Weights& w, const Config& config);

  /// image [B, S, d], positions [S, d], reference [1, S, 2] -> [B, S, d].
  ggml_tensor* operator()(compute::Graph& g, const std::vector<compute::MapSize>& levels,
                          ggml_tensor* image, ggml_tensor* positions, ggml_tensor* reference) const;

 private:
  compute::nn::DeformableAttention attention_;
  compute::nn::Linear linear1_, linear2_;
  compute::nn::LayerNorm norm1_, norm2_;
};

/// The encoder: fusion, text and deformable layers in turn. Weights: fusion_layers.I,
/// text_layers.I, layers.I.
class FusionEncoder {
 public:
  FusionEncoder(const compute::Weights& w, const Config& config);

  struct Constants {
    ggml_tensor* image_positions;  ///< [S, d]
    ggml_tensor* reference;        ///< [1, S, 2]
    ggml_tensor* text_positions;   ///< [T, d]
    ggml_tensor* text_mask;        ///< [1, T, T]
  };

  ImageAndText operator()(compute::Graph& g, const std::vector<compute::MapSize>& levels,
                          ImageAndText in, const Constants& constants) const;

 private:
  std::vector<BiAttention> fusion_layers_;
  std::vector<TextEnhancer> text_layers_;
  std::vector<DeformableLayer> image_layers_;
};

}  // namespace alref::grounding_dino
