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

/// Self attention, attention to the text, deformable attention to the image, feed-forward; each
/// with a norm behind its residual (transformer.py, class DeformableTransformerDecoderLayer).
class DecoderLayer {
 public:
  DecoderLayer(const compute::Weights& w, const Config& config);

  struct Context {
    const std::vector<compute::MapSize>& levels;
    ggml_tensor* image;      ///< [B, S, d]
    ggml_tensor* text;       ///< [B, T, d]
    ggml_tensor* positions;  ///< of the queries, [B, Q, d]
    ggml_tensor* boxes;      ///< [B, Q, 4]
  };

  /// queries [B, Q, d] -> the same.
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* queries, const Context& context) const;

 private:
  compute::nn::MultiheadAttention self_attention_, text_attention_;
  compute::nn::DeformableAttention image_attention_;
  compute::nn::Linear linear1_, linear2_;
  compute::nn::LayerNorm self_norm_, text_norm_, image_norm_, norm_;
};

/// The decoder with its iterative refinement of boxes (transformer.py, class TransformerDecoder).
/// Weights: layers.I, norm, ref_point_head; the box head is shared with the rest of the model.
class Decoder {
 public:
  Decoder(const compute::Weights& w, const compute::Weights& box_head, const Config& config);

  struct Result {
    ggml_tensor* queries;  ///< [B, Q, d], after the norm
    ggml_tensor* boxes;    ///< [B, Q, 4] (centre x, centre y, width, height) in [0, 1]
  };

  /// queries [B, Q, d], boxes [B, Q, 4]: those of the first stage, in [0, 1].
  Result operator()(compute::Graph& g, const std::vector<compute::MapSize>& levels,
                    ggml_tensor* queries, ggml_tensor* boxes, ggml_tensor* image,
                    ggml_tensor* text) const;

 private:
  int64_t d_model_;
  std::vector<DecoderLayer> layers_;
  compute::nn::LayerNorm norm_;
  compute::nn::Mlp position_head_;
  compute::nn::Mlp box_head_;
};

}  // namespace alref::grounding_dino
