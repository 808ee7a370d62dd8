// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/two_way_transformer.h"

#include <cmath>

#include "compute/nn/attention.h"

namespace alref::sam2 {

using compute::Graph;
using compute::Weights;

NarrowAttention::NarrowAttention(const Weights& w, int64_t dim, int64_t inner, int64_t heads)
    : q_proj_(w / "q_proj", dim, inner),
      k_proj_(w / "k_proj", dim, inner),
      v_proj_(w / "v_proj", dim, inner),
      out_proj_(w / "out_proj", inner, dim),
      heads_(heads),
      scale_(1 / std::sqrt(static_cast<float>(inner) / static_cast<float>(heads))) {}

ggml_tensor* NarrowAttention::operator()(Graph& g, ggml_tensor* q, ggml_tensor* k,
                                         ggml_tensor* v) const {
  return out_proj_(
      g, compute::nn::attention(g, q_proj_(g, q), k_proj_(g, k), v_proj_(g, v), heads_, scale_));
}

TwoWayTransformer::TwoWayTransformer(const Weights& w, const Config& config)
    : final_token_to_image_(w / "final_attn_token_to_image", config.dim, config.dim / 2,
                            config.decoder.num_heads),
      final_norm_(w / "norm_final_attn", config.dim) {
  const int64_t dim = config.dim, heads = config.decoder.num_heads;
  for (int64_t i = 0; i < config.decoder.layers; ++i) {
    const Weights layer = w / "layers" / i;
    layers_.push_back({.self_attention = {layer / "self_attn", dim, dim, heads},
                       .token_to_image = {layer / "cross_attn_token_to_image", dim, dim / 2, heads},
                       .image_to_token = {layer / "cross_attn_image_to_token", dim, dim / 2, heads},
                       .norm1 = {layer / "norm1", dim},
                       .norm2 = {layer / "norm2", dim},
                       .norm3 = {layer / "norm3", dim},
                       .norm4 = {layer / "norm4", dim},
                       .mlp = {layer / "mlp", {dim, config.decoder.mlp_dim, dim}}});
  }
}

TwoWayTransformer::Result TwoWayTransformer::operator()(Graph& g, ggml_tensor* image,
                                                        ggml_tensor* image_positions,
                                                        ggml_tensor* tokens) const {
  ggml_context* c = g.context();
  ggml_tensor* queries = tokens;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (i == 0) {  // tokens are their own positions here, and nothing is carried past
      queries = layer.self_attention(g, queries, queries, queries);
    } else {
      ggml_tensor* q = ggml_add(c, queries, tokens);
      queries = ggml_add(c, layer.self_attention(g, q, q, queries), queries);
    }
    queries = layer.norm1(g, queries);

    ggml_tensor* placed_image = ggml_add(c, image, image_positions);
    ggml_tensor* update =
        layer.token_to_image(g, ggml_add(c, queries, tokens), placed_image, image);
    queries = layer.norm2(g, ggml_add(c, update, queries));
    queries = layer.norm3(g, ggml_add(c, layer.mlp(g, queries), queries));

    update = layer.image_to_token(g, placed_image, ggml_add(c, queries, tokens), queries);
    image = layer.norm4(g, ggml_add(c, update, image));
  }
  ggml_tensor* update = final_token_to_image_(g, ggml_add(c, queries, tokens),
                                              ggml_add(c, image, image_positions), image);
  return {final_norm_(g, ggml_add(c, update, queries)), image};
}

}  // namespace alref::sam2
