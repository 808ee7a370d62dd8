// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/decoder.h"

#include "compute/ops/sine_embedding_op.h"

namespace alref::grounding_dino {

using compute::Graph;
using compute::MapSize;
using compute::Weights;
namespace nn = compute::nn;

namespace {

constexpr float kEps = 1e-3f;  // of the official inverse_sigmoid (util/misc.py)

// log(x / (1 - x)), both kept from 0 by kEps.
ggml_tensor* inverse_sigmoid(Graph& g, ggml_tensor* x) {
  ggml_context* c = g.context();
  // ggml_clamp works in place, so each side gets a tensor of its own.
  ggml_tensor* up = ggml_clamp(c, ggml_scale_bias(c, x, 1, 0), kEps, 1);
  ggml_tensor* down = ggml_clamp(c, ggml_scale_bias(c, x, -1, 1), kEps, 1);
  return ggml_sub(c, ggml_log(c, up), ggml_log(c, down));
}

ggml_tensor* refine(Graph& g, ggml_tensor* delta, ggml_tensor* boxes) {
  return ggml_sigmoid(g.context(), ggml_add(g.context(), delta, inverse_sigmoid(g, boxes)));
}

}  // namespace

DecoderLayer::DecoderLayer(const Weights& w, const Config& config)
    : self_attention_(w / "self_attn", config.d_model, config.heads),
      text_attention_(w / "ca_text", config.d_model, config.heads),
      image_attention_(w / "cross_attn", config.d_model, config.heads, config.levels,
                       config.decoder_points),
      linear1_(w / "linear1", config.d_model, config.feedforward),
      linear2_(w / "linear2", config.feedforward, config.d_model),
      self_norm_(w / "norm2", config.d_model),
      text_norm_(w / "catext_norm", config.d_model),
      image_norm_(w / "norm1", config.d_model),
      norm_(w / "norm3", config.d_model) {}

ggml_tensor* DecoderLayer::operator()(Graph& g, ggml_tensor* x, const Context& context) const {
  ggml_context* c = g.context();
  ggml_tensor* placed = ggml_add(c, x, context.positions);
  x = self_norm_(g, ggml_add(c, self_attention_(g, placed, placed, x), x));
  placed = ggml_add(c, x, context.positions);
  x = text_norm_(g, ggml_add(c, text_attention_(g, placed, context.text, context.text), x));
  placed = ggml_add(c, x, context.positions);
  x = image_norm_(
      g, ggml_add(c, image_attention_(g, context.levels, placed, context.image, context.boxes), x));
  ggml_tensor* y = linear2_(g, activate(g, linear1_(g, x), nn::Activation::kRelu));
  return norm_(g, ggml_add(c, y, x));
}

Decoder::Decoder(const Weights& w, const Weights& box_head, const Config& config)
    : d_model_(config.d_model),
      norm_(w / "norm", config.d_model),
      position_head_(w / "ref_point_head", {2 * config.d_model, config.d_model, config.d_model}),
      box_head_(box_head, {config.d_model, config.d_model, config.d_model, 4}) {
  for (int64_t i = 0; i < config.decoder_layers; ++i)
    layers_.emplace_back(w / "layers" / i, config);
}

Decoder::Result Decoder::operator()(Graph& g, const std::vector<MapSize>& levels, ggml_tensor* x,
                                    ggml_tensor* boxes, ggml_tensor* image,
                                    ggml_tensor* text) const {
  // The official order of a box's four numbers in the encoding: y, x, width, height.
  const compute::SineEmbeddingParams sines{.order = {1, 0, 2, 3}, .features = d_model_ / 2};
  for (size_t i = 0; i < layers_.size(); ++i) {
    ggml_tensor* positions = position_head_(g, sine_embedding(g, sines, boxes));
    x = layers_[i](
        g, x,
        {.levels = levels, .image = image, .text = text, .positions = positions, .boxes = boxes});
    // Between layers boxes are refined from the queries as they are; at the end, from the
    // normalised ones.
    if (i + 1 < layers_.size()) boxes = refine(g, box_head_(g, x), boxes);
  }
  x = norm_(g, x);
  return {x, refine(g, box_head_(g, x), boxes)};
}

}  // namespace alref::grounding_dino
