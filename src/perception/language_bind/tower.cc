// SPDX-License-Identifier: Apache-2.0
#include "perception/language_bind/tower.h"

#include <cmath>

#include "compute/nn/attention.h"

namespace alref::language_bind {

using compute::Graph;
using compute::Weights;

Tower::Layer::Layer(const Weights& w, const TowerConfig& c)
    : norm1(w / "layer_norm1", c.dim, c.eps),
      norm2(w / "layer_norm2", c.dim, c.eps),
      query(w / "self_attn" / "q_proj", c.dim, c.dim),
      key(w / "self_attn" / "k_proj", c.dim, c.dim),
      value(w / "self_attn" / "v_proj", c.dim, c.dim),
      out(w / "self_attn" / "out_proj", c.dim, c.dim),
      fc1(w / "mlp" / "fc1", c.dim, c.ffn_dim),
      fc2(w / "mlp" / "fc2", c.ffn_dim, c.dim) {}

Tower::Tower(const Weights& w, const TowerConfig& config) : config_(config) {
  for (int64_t i = 0; i < config.layers; ++i) layers_.emplace_back(w / "layers" / i, config);
}

ggml_tensor* Tower::operator()(Graph& g, ggml_tensor* x, ggml_tensor* mask,
                               std::optional<int64_t> wanted) const {
  ggml_context* c = g.context();
  const int64_t head_dim = config_.dim / config_.heads;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  for (const Layer& layer : layers_) {
    const int64_t queries = wanted && &layer == &layers_.back() ? *wanted : x->ne[1];
    const auto first = [&](ggml_tensor* of) {
      return queries == of->ne[1] ? of
                                  : ggml_cont(c, ggml_view_3d(c, of, of->ne[0], queries, of->ne[2],
                                                              of->nb[1], of->nb[2], 0));
    };
    ggml_tensor* y = layer.norm1(g, x);
    y = compute::nn::attention(g, layer.query(g, first(y)), layer.key(g, y), layer.value(g, y),
                               config_.heads, scale,
                               /*bias=*/nullptr, mask);
    x = ggml_add(c, layer.out(g, y), first(x));
    y = layer.fc1(g, layer.norm2(g, x));
    y = config_.quick_gelu ? ggml_gelu_quick(c, y)
                           : compute::nn::activate(g, y, compute::nn::Activation::kGelu);
    x = ggml_add(c, layer.fc2(g, y), x);
  }
  return x;
}

}  // namespace alref::language_bind
