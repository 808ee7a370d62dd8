// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/graph.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/grounding_dino/config.h"

namespace alref::grounding_dino {

/// BERT without its pooler (arXiv:1810.04805), for one sequence, post-norm, with attention only
/// where `mask` lets it. Weights: embeddings, encoder.layer.I as in Hugging Face's BertModel.
class Bert {
 public:
  Bert(const compute::Weights& w, const Config::Bert& config);

  /// ids and positions [T] i32, mask [1, T, T] f32 (0 or -inf) -> [T, hidden].
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* ids, ggml_tensor* positions,
                          ggml_tensor* mask) const;

 private:
  struct Layer {
    Layer(const compute::Weights& w, const Config::Bert& config);
    compute::nn::Linear query, key, value, attention_out, up, down;
    compute::nn::LayerNorm attention_norm, norm;
  };

  int64_t heads_;
  ggml_tensor* words_;
  ggml_tensor* positions_;
  ggml_tensor* type_;  // of all tokens: captions are one sentence
  compute::nn::LayerNorm norm_;
  std::vector<Layer> layers_;
};

}  // namespace alref::grounding_dino
