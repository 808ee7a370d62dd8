// SPDX-License-Identifier: Apache-2.0
#include "perception/beats/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "compute/nn/attention.h"

namespace alref::beats {
namespace {

using compute::Graph;
using compute::Weights;

// grep_linear has eight outputs of which backbone.py sums the first four and the last four: the
// same as two outputs with summed weights.
compute::nn::Linear fold_gate(const Weights& w, int64_t head_dim) {
  const std::vector<float> weight = w.values("weight", {8, head_dim}), bias = w.values("bias", {8});
  std::vector<float> folded(static_cast<size_t>(2 * head_dim)), folded_bias(2);
  for (size_t row = 0; row < 8; ++row) {
    folded_bias[row / 4] += bias[row];
    for (size_t i = 0; i < static_cast<size_t>(head_dim); ++i) {
      folded[row / 4 * static_cast<size_t>(head_dim) + i] +=
          weight[row * static_cast<size_t>(head_dim) + i];
    }
  }
  return {w.constant("weight (summed)", {2, head_dim}, folded),
          w.constant("bias (summed)", {2}, folded_bias)};
}

// torch.nn.utils.weight_norm with dim=2 on [dim, dim / groups, kernel]: each tap has a length of
// its own. Returned channels last, [kernel, dim / groups, dim].
std::vector<float> fold_weight_norm(const Weights& w, int64_t dim, int64_t group_in,
                                    int64_t kernel) {
  const std::vector<float> v = w.values("weight_v", {dim, group_in, kernel});
  const std::vector<float> length = w.values("weight_g", {1, 1, kernel});
  std::vector<double> norm(static_cast<size_t>(kernel));
  for (size_t i = 0; i < v.size(); ++i) norm[i % norm.size()] += double{v[i]} * v[i];
  std::vector<float> folded(v.size());
  for (int64_t o = 0; o < dim; ++o) {
    for (int64_t i = 0; i < group_in; ++i) {
      for (int64_t t = 0; t < kernel; ++t) {
        const auto tap = static_cast<size_t>(t);
        folded[static_cast<size_t>((t * group_in + i) * dim + o)] =
            static_cast<float>(v[static_cast<size_t>((o * group_in + i) * kernel + t)] *
                               length[tap] / std::sqrt(norm[tap]));
      }
    }
  }
  return folded;
}

}  // namespace

std::vector<int32_t> relative_position_buckets(int64_t tokens, int64_t buckets,
                                               int64_t max_distance) {
  const int64_t half = buckets / 2, exact = half / 2;
  std::vector<int32_t> result;
  result.reserve(static_cast<size_t>(tokens * tokens));
  // In float, as the official code, so that a distance at the edge of two buckets falls to the same
  // one.
  const auto scale =
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  for (int64_t query = 0; query < tokens; ++query) {
    for (int64_t key = 0; key < tokens; ++key) {
      const int64_t distance = std::abs(key - query);
      int64_t bucket = distance;
      if (distance >= exact) {
        const float logarithm = std::log(static_cast<float>(distance) / static_cast<float>(exact));
        bucket = exact + static_cast<int64_t>(logarithm / scale * static_cast<float>(half - exact));
        bucket = std::min(bucket, half - 1);
      }
      result.push_back(static_cast<int32_t>(key > query ? half + bucket : bucket));
    }
  }
  return result;
}

Encoder::Layer::Layer(const Weights& w, const Config& c)
    : query(w / "self_attn" / "q_proj", c.dim, c.dim),
      key(w / "self_attn" / "k_proj", c.dim, c.dim),
      value(w / "self_attn" / "v_proj", c.dim, c.dim),
      out(w / "self_attn" / "out_proj", c.dim, c.dim),
      fc1(w / "fc1", c.dim, c.ffn_dim),
      fc2(w / "fc2", c.ffn_dim, c.dim),
      attention_norm(w / "self_attn_layer_norm", c.dim),
      final_norm(w / "final_layer_norm", c.dim),
      gate(fold_gate(w / "self_attn" / "grep_linear", c.dim / c.heads)),
      gate_scale((w / "self_attn").f32("grep_a", {1, c.heads, 1, 1})) {}

Encoder::Encoder(const Weights& w, const Config& config)
    : config_(config), norm_(w / "layer_norm", config.dim) {
  const Weights conv = w / "pos_conv" / 0;
  const int64_t group_in = config.dim / config.position_groups;
  position_op_ = std::make_shared<compute::ConvolutionOp>(
      compute::ConvolutionParams{.kernel_w = config.position_kernel,
                                 .pad_w = config.position_kernel / 2,
                                 .groups = config.position_groups},
      /*has_bias=*/true);
  position_weight_ =
      conv.constant("weight (norm folded)", {1, config.position_kernel, group_in, config.dim},
                    fold_weight_norm(conv, config.dim, group_in, config.position_kernel));
  position_bias_ = conv.f32("bias", {config.dim});
  for (int64_t i = 0; i < config.layers; ++i) layers_.emplace_back(w / "layers" / i, config);
  bias_table_ = (w / "layers" / 0 / "self_attn" / "relative_attention_bias")
                    .values("weight", {config.buckets, config.heads});
}

std::vector<float> Encoder::position_bias(int64_t tokens) const {
  const std::vector<int32_t> buckets =
      relative_position_buckets(tokens, config_.buckets, config_.max_distance);
  const auto heads = static_cast<size_t>(config_.heads);
  std::vector<float> bias(heads * buckets.size());
  for (size_t h = 0; h < heads; ++h) {
    for (size_t i = 0; i < buckets.size(); ++i) {
      bias[h * buckets.size() + i] = bias_table_[static_cast<size_t>(buckets[i]) * heads + h];
    }
  }
  return bias;
}

// x + gelu(pos_conv(x)); an even kernel gives one token too many, which SamePad drops.
ggml_tensor* Encoder::encode_positions(Graph& g, ggml_tensor* x, int64_t sounds) const {
  ggml_context* c = g.context();
  const int64_t dim = config_.dim, tokens = x->ne[1] / sounds,
                extra = config_.position_kernel % 2 == 0 ? 1 : 0;
  // A sound's tokens side by side: [sounds, 1, tokens, dim].
  ggml_tensor* lines = ggml_cont(c, ggml_permute(c, ggml_reshape_3d(c, x, dim, sounds, tokens),  //
                                                 0, 2, 1, 3));
  ggml_tensor* y = compute::custom(
      g, position_op_, {sounds, 1, tokens + extra, dim},
      {ggml_reshape_4d(c, lines, dim, tokens, 1, sounds), position_weight_, position_bias_});
  y = ggml_view_3d(c, y, dim, tokens, sounds, y->nb[1], y->nb[3], 0);
  y = ggml_reshape_2d(c, ggml_cont(c, ggml_permute(c, y, 0, 2, 1, 3)), dim, sounds * tokens);
  return ggml_add(c, x, compute::nn::activate(g, y, compute::nn::Activation::kGelu));
}

// bias * (a * (b * grep_a - 1) + 2), with gates a and b for each query and head of every sound.
ggml_tensor* Encoder::gated_bias(Graph& g, const Layer& layer, ggml_tensor* query,
                                 ggml_tensor* bias, int64_t sounds) const {
  ggml_context* c = g.context();
  const int64_t tokens = query->ne[1] / sounds, heads = config_.heads, all = heads * sounds;
  ggml_tensor* gates =
      ggml_sigmoid(c, layer.gate(g, ggml_reshape_3d(c, query, config_.dim / heads, all, tokens)));
  // [tokens, all, 2] -> two of [all, tokens, 1]
  const auto gate = [&](int64_t which) {
    ggml_tensor* view = ggml_view_3d(c, gates, 1, all, tokens, gates->nb[1], gates->nb[2],
                                     static_cast<size_t>(which) * gates->nb[0]);
    return ggml_cont(c, ggml_permute(c, view, 0, 2, 1, 3));
  };
  ggml_tensor* scale = ggml_reshape_3d(c, layer.gate_scale, 1, 1, heads);
  if (sounds > 1) scale = ggml_repeat_4d(c, scale, 1, 1, all, 1);
  ggml_tensor* inner = ggml_scale_bias(c, ggml_mul(c, gate(1), scale), 1, -1);
  ggml_tensor* factor = ggml_scale_bias(c, ggml_mul(c, gate(0), inner), 1, 2);
  return ggml_mul(c, bias, factor);
}

ggml_tensor* Encoder::operator()(Graph& g, ggml_tensor* x, ggml_tensor* bias,
                                 int64_t sounds) const {
  ggml_context* c = g.context();
  const auto residual_scale =
      static_cast<float>(std::pow(2.0 * static_cast<double>(config_.layers), 0.25));
  const int64_t head_dim = config_.dim / config_.heads, tokens = x->ne[1] / sounds;
  const float score_scale = 1 / std::sqrt(static_cast<float>(head_dim));
  // Sounds do not hear each other: to attention they are further heads.
  const auto joined = [&](ggml_tensor* y) {
    return ggml_reshape_2d(c, y, config_.dim * sounds, tokens);
  };
  x = norm_(g, encode_positions(g, x, sounds));
  for (const Layer& layer : layers_) {
    ggml_tensor* query = layer.query(g, x);
    ggml_tensor* y = compute::nn::attention(g, joined(query), joined(layer.key(g, x)),
                                            joined(layer.value(g, x)), config_.heads * sounds,
                                            score_scale, gated_bias(g, layer, query, bias, sounds));
    y = ggml_reshape_2d(c, y, config_.dim, sounds * tokens);
    x = layer.attention_norm(g, ggml_add(c, layer.out(g, y), ggml_scale(c, x, residual_scale)));
    y = layer.fc2(g, compute::nn::activate(g, layer.fc1(g, x), compute::nn::Activation::kGelu));
    x = layer.final_norm(g, ggml_add(c, y, ggml_scale(c, x, residual_scale)));
  }
  return x;
}

}  // namespace alref::beats
