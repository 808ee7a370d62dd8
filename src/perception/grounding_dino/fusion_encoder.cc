// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/fusion_encoder.h"

#include <cmath>

#include "compute/nn/attention.h"

namespace alref::grounding_dino {

using compute::Graph;
using compute::MapSize;
using compute::Weights;
namespace nn = compute::nn;

namespace {

// A matrix [rows, columns] with row r multiplied by gamma[r] (a layer scale behind a linear layer).
std::vector<float> scaled_rows(std::vector<float> matrix, const std::vector<float>& gamma) {
  const size_t columns = matrix.size() / gamma.size();
  for (size_t i = 0; i < matrix.size(); ++i) matrix[i] *= gamma[i / columns];
  return matrix;
}

// [heads * head_dim, d] -> [heads, d, head_dim], times `scale`.
std::vector<float> transposed_heads(const std::vector<float>& matrix, int64_t heads,
                                    int64_t head_dim, int64_t d, float scale) {
  std::vector<float> result(matrix.size());
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < head_dim; ++i) {
      for (int64_t c = 0; c < d; ++c) {
        result[static_cast<size_t>((h * d + c) * head_dim + i)] =
            matrix[static_cast<size_t>((h * head_dim + i) * d + c)] * scale;
      }
    }
  }
  return result;
}

// [d, heads * head_dim] -> [heads, d, head_dim].
std::vector<float> split_columns(const std::vector<float>& matrix, int64_t heads, int64_t head_dim,
                                 int64_t d) {
  std::vector<float> result;
  result.reserve(matrix.size());
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t c = 0; c < d; ++c) {
      const auto row = matrix.begin() + (c * heads + h) * head_dim;
      result.insert(result.end(), row, row + head_dim);
    }
  }
  return result;
}

nn::Linear scaled_linear(const Weights& w, int64_t in, int64_t out,
                         const std::vector<float>& gamma) {
  return nn::Linear(
      w.constant("weight (scaled)", {out, in}, scaled_rows(w.values("weight", {out, in}), gamma)),
      w.constant("bias (scaled)", {out}, scaled_rows(w.values("bias", {out}), gamma)));
}

}  // namespace

BiAttention::BiAttention(const Weights& w, const Config& config)
    : heads_(config.fusion_heads),
      head_dim_(config.fusion_dim / config.fusion_heads),
      image_norm_(w / "layer_norm_v", config.d_model),
      text_norm_(w / "layer_norm_l", config.d_model),
      keys_(w / "attn" / "l_proj", config.d_model, config.fusion_dim),
      text_values_(w / "attn" / "values_l_proj", config.d_model, config.fusion_dim),
      text_out_(scaled_linear(w / "attn" / "out_l_proj", config.fusion_dim, config.d_model,
                              w.values("gamma_l", {config.d_model}))) {
  const int64_t d = config.d_model, inner = config.fusion_dim;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim_));
  const Weights query = w / "attn" / "v_proj", out = w / "attn" / "out_v_proj",
                values = w / "attn" / "values_v_proj";
  std::vector<float> query_bias = query.values("bias", {inner});
  for (float& b : query_bias) b *= scale;
  const std::vector<float> gamma = w.values("gamma_v", {d});
  scores_weight_ = query.constant(
      "weight (per head)", {heads_, d, head_dim_},
      transposed_heads(query.values("weight", {inner, d}), heads_, head_dim_, d, scale));
  scores_bias_ = query.constant("bias (per head)", {heads_, 1, head_dim_}, query_bias);
  image_out_weight_ = out.constant(
      "weight (per head)", {heads_, d, head_dim_},
      split_columns(scaled_rows(out.values("weight", {d, inner}), gamma), heads_, head_dim_, d));
  image_out_bias_ = out.constant("bias (scaled)", {d}, scaled_rows(out.values("bias", {d}), gamma));
  image_values_weight_ = values.constant("weight (per head)", {heads_, head_dim_, d},
                                         values.values("weight", {inner, d}));
  image_values_bias_ = values.f32("bias", {inner});
}

// [B, T, heads * head_dim] -> [B, heads, T, head_dim]
ggml_tensor* BiAttention::per_head(Graph& g, ggml_tensor* x) const {
  ggml_context* c = g.context();
  x = ggml_reshape_4d(c, x, head_dim_, heads_, x->ne[1], x->ne[2]);
  return ggml_cont(c, ggml_permute(c, x, 0, 2, 1, 3));
}

ImageAndText BiAttention::operator()(Graph& g, ImageAndText in) const {
  ggml_context* c = g.context();
  ggml_tensor* x = image_norm_(g, in.image);
  ggml_tensor* text = text_norm_(g, in.text);
  const int64_t d = x->ne[0], pixels = x->ne[1], tokens = text->ne[1], batch = x->ne[2],
                columns = heads_ * tokens;

  ggml_tensor* keys = per_head(g, keys_(g, text));
  ggml_tensor* projected = ggml_mul_mat(c, scores_weight_, keys);  // [B, heads, T, d]
  ggml_tensor* bias = ggml_mul_mat(c, scores_bias_, keys);         // [B, heads, T, 1]
  projected = ggml_reshape_3d(c, projected, d, columns, batch);
  ggml_tensor* scores = ggml_mul_mat(c, projected, x);  // [B, S, heads * T]

  ggml_tensor* over_text =
      ggml_soft_max_ext(c, ggml_reshape_4d(c, scores, tokens, heads_, pixels, batch),
                        ggml_reshape_4d(c, bias, tokens, heads_, 1, batch), 1, 0);
  ggml_tensor* values =
      ggml_mul_mat(c, image_out_weight_, per_head(g, text_values_(g, text)));  // [B, heads, T, d]
  values = ggml_cont(
      c, ggml_transpose(c, ggml_reshape_3d(c, values, d, columns, batch)));  // [B, d, heads * T]
  ggml_tensor* image =
      ggml_mul_mat(c, values, ggml_reshape_3d(c, over_text, columns, pixels, batch));
  image = ggml_add(c, ggml_add(c, image, image_out_bias_), x);

  // The same scores over the image, where a token's bias is the same for all pixels: no matter.
  ggml_tensor* pooled = nn::attention(g, projected, x, x, 1, 1);  // [B, heads * T, d]
  pooled =
      ggml_mul_mat(c, image_values_weight_, ggml_reshape_4d(c, pooled, d, tokens, heads_, batch));
  pooled = ggml_cont(c, ggml_permute(c, pooled, 0, 2, 1, 3));  // [B, T, heads, head_dim]
  pooled = ggml_add(c, ggml_reshape_3d(c, pooled, heads_ * head_dim_, tokens, batch),
                    image_values_bias_);
  return {image, ggml_add(c, text_out_(g, pooled), text)};
}

TextEnhancer::TextEnhancer(const Weights& w, const Config& config)
    : attention_(w / "self_attn", config.d_model, config.text_heads),
      linear1_(w / "linear1", config.d_model, config.text_feedforward),
      linear2_(w / "linear2", config.text_feedforward, config.d_model),
      norm1_(w / "norm1", config.d_model),
      norm2_(w / "norm2", config.d_model) {}

ggml_tensor* TextEnhancer::operator()(Graph& g, ggml_tensor* text, ggml_tensor* positions,
                                      ggml_tensor* mask) const {
  ggml_context* c = g.context();
  ggml_tensor* placed = ggml_add(c, text, positions);
  text = norm1_(g, ggml_add(c, attention_(g, placed, placed, text, mask), text));
  ggml_tensor* y = linear2_(g, activate(g, linear1_(g, text), nn::Activation::kRelu));
  return norm2_(g, ggml_add(c, y, text));
}

DeformableLayer::DeformableLayer(const Weights& w, const Config& config)
    : attention_(w / "self_attn", config.d_model, config.heads, config.levels,
                 config.encoder_points),
      linear1_(w / "linear1", config.d_model, config.feedforward),
      linear2_(w / "linear2", config.feedforward, config.d_model),
      norm1_(w / "norm1", config.d_model),
      norm2_(w / "norm2", config.d_model) {}

ggml_tensor* DeformableLayer::operator()(Graph& g, const std::vector<MapSize>& levels,
                                         ggml_tensor* image, ggml_tensor* positions,
                                         ggml_tensor* reference) const {
  ggml_context* c = g.context();
  ggml_tensor* y = attention_(g, levels, ggml_add(c, image, positions), image, reference);
  image = norm1_(g, ggml_add(c, y, image));
  y = linear2_(g, activate(g, linear1_(g, image), nn::Activation::kRelu));
  return norm2_(g, ggml_add(c, y, image));
}

FusionEncoder::FusionEncoder(const Weights& w, const Config& config) {
  for (int64_t i = 0; i < config.encoder_layers; ++i) {
    fusion_layers_.emplace_back(w / "fusion_layers" / i, config);
    text_layers_.emplace_back(w / "text_layers" / i, config);
    image_layers_.emplace_back(w / "layers" / i, config);
  }
}

ImageAndText FusionEncoder::operator()(Graph& g, const std::vector<MapSize>& levels, ImageAndText x,
                                       const Constants& constants) const {
  for (size_t i = 0; i < image_layers_.size(); ++i) {
    x = fusion_layers_[i](g, x);
    x.text = text_layers_[i](g, x.text, constants.text_positions, constants.text_mask);
    x.image = image_layers_[i](g, levels, x.image, constants.image_positions, constants.reference);
  }
  return x;
}

}  // namespace alref::grounding_dino
