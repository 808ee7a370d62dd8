// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/swin.h"

#include <algorithm>

#include "compute/ops/patch_merge_op.h"

namespace alref::grounding_dino {

using compute::Graph;
using compute::MapSize;
using compute::Weights;
using compute::WindowAttentionParams;
namespace nn = compute::nn;

namespace {

// The table holds one row per difference of places in a window: [(2 w - 1)^2, heads] -> [heads,
// w^2, w^2].
ggml_tensor* position_bias(const Weights& w, int64_t heads, int64_t window) {
  const int64_t span = 2 * window - 1, n = window * window;
  const std::vector<float> table = w.values("relative_position_bias_table", {span * span, heads});
  std::vector<float> bias(static_cast<size_t>(heads * n * n));
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const int64_t dy = i / window - j / window + window - 1,
                      dx = i % window - j % window + window - 1;
        bias[static_cast<size_t>((h * n + i) * n + j)] =
            table[static_cast<size_t>((dy * span + dx) * heads + h)];
      }
    }
  }
  return w.constant("relative_position_bias", {heads, n, n}, bias);
}

MapSize halved(const MapSize& size) { return {(size.height + 1) / 2, (size.width + 1) / 2}; }

}  // namespace

SwinBlock::SwinBlock(const Weights& w, int64_t channels, int64_t hidden,
                     const WindowAttentionParams& attention)
    : attention_(attention),
      norm1_(w / "norm1", channels),
      norm2_(w / "norm2", channels),
      qkv_(w / "attn" / "qkv", channels, 3 * channels),
      proj_(w / "attn" / "proj", channels, channels),
      fc1_(w / "mlp" / "fc1", channels, hidden),
      fc2_(w / "mlp" / "fc2", hidden, channels),
      qkv_bias_((w / "attn" / "qkv").f32("bias", {3 * channels})),
      position_bias_(position_bias(w / "attn", attention.heads, attention.window)) {}

ggml_tensor* SwinBlock::operator()(Graph& g, ggml_tensor* x) const {
  ggml_context* c = g.context();
  const int64_t channels = x->ne[0];
  ggml_tensor* qkv = qkv_(g, norm1_(g, x));  // [B, H, W, 3 C]
  const auto part = [&](int64_t i) {
    return ggml_view_4d(c, qkv, channels, qkv->ne[1], qkv->ne[2], qkv->ne[3], qkv->nb[1],
                        qkv->nb[2], qkv->nb[3], static_cast<size_t>(i * channels) * sizeof(float));
  };
  // The official code fills windows up with zeros before the projection.
  const auto padding = [&](int64_t i) {
    return ggml_view_1d(c, qkv_bias_, channels, static_cast<size_t>(i * channels) * sizeof(float));
  };
  ggml_tensor* y = window_attention(g, attention_, part(0), part(1), part(2), padding(1),
                                    padding(2), position_bias_);
  x = ggml_add(c, proj_(g, y), x);
  y = fc2_(g, activate(g, fc1_(g, norm2_(g, x)), nn::Activation::kGelu));
  return ggml_add(c, y, x);
}

Swin::Swin(const Weights& w, const Config::Swin& config)
    : config_(config),
      patch_embed_(
          w / "patch_embed" / "proj", 3, config.embed_dim,
          {.kernel_h = kPatch, .kernel_w = kPatch, .stride_h = kPatch, .stride_w = kPatch}),
      patch_norm_(w / "patch_embed" / "norm", config.embed_dim) {
  const auto count = static_cast<int64_t>(config.depths.size());
  for (int64_t i = 0; i < count; ++i) {
    const Weights scope = w / "layers" / i;
    const int64_t channels = config.channels(i);
    const auto hidden = static_cast<int64_t>(static_cast<double>(channels) * config.mlp_ratio);
    Stage stage;
    for (int64_t j = 0; j < config.depths[static_cast<size_t>(i)]; ++j) {
      stage.blocks.emplace_back(scope / "blocks" / j, channels, hidden,
                                WindowAttentionParams{.heads = config.heads[static_cast<size_t>(i)],
                                                      .window = config.window,
                                                      .query_window = config.window,
                                                      .shift = j % 2 == 0 ? 0 : config.window / 2});
    }
    if (i + 1 < count) {
      stage.merge_norm =
          std::make_unique<nn::LayerNorm>(scope / "downsample" / "norm", 4 * channels);
      stage.merge = std::make_unique<nn::Linear>(scope / "downsample" / "reduction", 4 * channels,
                                                 2 * channels, /*bias=*/false);
    }
    if (std::binary_search(config.out_indices.begin(), config.out_indices.end(), i)) {
      stage.out_norm = std::make_unique<nn::LayerNorm>(w / ("norm" + std::to_string(i)), channels);
    }
    stages_.push_back(std::move(stage));
  }
}

std::vector<MapSize> Swin::sizes(const MapSize& image) const {
  std::vector<MapSize> result;
  MapSize size{image.height / kPatch, image.width / kPatch};
  for (const Stage& stage : stages_) {
    if (stage.out_norm) result.push_back(size);
    size = halved(size);
  }
  return result;
}

std::vector<ggml_tensor*> Swin::operator()(Graph& g, ggml_tensor* image) const {
  std::vector<ggml_tensor*> maps;
  ggml_tensor* x = patch_norm_(g, patch_embed_(g, image));
  for (const Stage& stage : stages_) {
    for (const SwinBlock& block : stage.blocks) x = block(g, x);
    if (stage.out_norm) maps.push_back((*stage.out_norm)(g, x));
    if (stage.merge) x = (*stage.merge)(g, (*stage.merge_norm)(g, patch_merge(g, x)));
  }
  return maps;
}

}  // namespace alref::grounding_dino
