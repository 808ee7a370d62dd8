// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/bert.h"

#include <cmath>

#include "compute/nn/attention.h"

namespace alref::grounding_dino {

using compute::Graph;
using compute::Weights;
namespace nn = compute::nn;

namespace {

ggml_tensor* first_type(const Weights& w, const Config::Bert& config) {
  std::vector<float> types = w.values("weight", {config.token_types, config.hidden});
  types.resize(static_cast<size_t>(config.hidden));
  return w.constant("weight of type 0", {config.hidden}, types);
}

}  // namespace

Bert::Layer::Layer(const Weights& w, const Config::Bert& config)
    : query(w / "attention" / "self" / "query", config.hidden, config.hidden),
      key(w / "attention" / "self" / "key", config.hidden, config.hidden),
      value(w / "attention" / "self" / "value", config.hidden, config.hidden),
      attention_out(w / "attention" / "output" / "dense", config.hidden, config.hidden),
      up(w / "intermediate" / "dense", config.hidden, config.intermediate),
      down(w / "output" / "dense", config.intermediate, config.hidden),
      attention_norm(w / "attention" / "output" / "LayerNorm", config.hidden, config.norm_eps),
      norm(w / "output" / "LayerNorm", config.hidden, config.norm_eps) {}

Bert::Bert(const Weights& w, const Config::Bert& config)
    : heads_(config.heads),
      words_(w.tensor("embeddings.word_embeddings.weight", {config.vocabulary, config.hidden})),
      positions_(
          w.tensor("embeddings.position_embeddings.weight", {config.max_positions, config.hidden})),
      type_(first_type(w / "embeddings" / "token_type_embeddings", config)),
      norm_(w / "embeddings" / "LayerNorm", config.hidden, config.norm_eps) {
  for (int64_t i = 0; i < config.layers; ++i)
    layers_.emplace_back(w / "encoder" / "layer" / i, config);
}

ggml_tensor* Bert::operator()(Graph& g, ggml_tensor* ids, ggml_tensor* positions,
                              ggml_tensor* mask) const {
  ggml_context* c = g.context();
  ggml_tensor* x = ggml_get_rows(c, words_, ids);
  x = ggml_add(c, x, ggml_get_rows(c, positions_, positions));
  x = norm_(g, ggml_add(c, x, type_));
  const int64_t head_dim = x->ne[0] / heads_;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  for (const Layer& layer : layers_) {
    ggml_tensor* y = nn::attention(g, layer.query(g, x), layer.key(g, x), layer.value(g, x), heads_,
                                   scale, nullptr, mask);
    x = layer.attention_norm(g, ggml_add(c, layer.attention_out(g, y), x));
    y = layer.down(g, activate(g, layer.up(g, x), nn::Activation::kGelu));
    x = layer.norm(g, ggml_add(c, y, x));
  }
  return x;
}

}  // namespace alref::grounding_dino
