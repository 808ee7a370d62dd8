// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/hiera.h"

#include <cmath>

#include "compute/nn/attention.h"
#include "compute/nn/resize.h"
#include "compute/ops/max_pool_op.h"
#include "compute/ops/window_attention_op.h"

namespace alref::sam2 {

using compute::Graph;
using compute::Weights;

namespace {

constexpr float kNormEps = 1e-6f;

// The background embedding stretched over the map plus the window embedding repeated
// (arXiv:2311.05613).
ggml_tensor* position_embedding(const Weights& w, const Config& config) {
  const int64_t size = config.image_size / 4, channels = config.trunk.embed_dim;
  const int64_t window = config.trunk.window_spec[0];
  const auto [height, width] = config.trunk.background_size;
  const std::vector<float> windows = w.values("pos_embed_window", {channels, window, window});

  Graph g(w.device());
  ggml_tensor* background = w.f32("pos_embed", {channels, height, width});
  background = ggml_cont(g.context(), ggml_permute(g.context(), background, 1, 2, 0, 3));
  ggml_tensor* stretched =
      g.output(compute::nn::resize(g, background, size, size, Resampling::kBicubic));
  g.run();
  std::vector<float> values = g.read(stretched);
  std::vector<float> pixels;  // of the window embedding: [window, window, channels]
  for (int64_t place = 0; place < window * window; ++place) {
    for (int64_t c = 0; c < channels; ++c)
      pixels.push_back(windows[static_cast<size_t>(c * window * window + place)]);
  }
  float* value = values.data();
  for (int64_t y = 0; y < size; ++y) {
    for (int64_t x = 0; x < size; ++x, value += channels) {
      const float* pixel =
          &pixels[static_cast<size_t>((y % window * window + x % window) * channels)];
      for (int64_t c = 0; c < channels; ++c) value[c] += pixel[c];
    }
  }
  return w.constant("pos_embed (stretched)", {size, size, channels}, values);
}

// Channels [begin, begin + count) of a map, without a copy.
ggml_tensor* channels(ggml_context* c, ggml_tensor* map, int64_t begin, int64_t count) {
  return ggml_view_4d(c, map, count, map->ne[1], map->ne[2], map->ne[3], map->nb[1], map->nb[2],
                      map->nb[3], static_cast<size_t>(begin) * ggml_element_size(map));
}

// [B, H, W, C] -> [B, H * W, C] of a map whose pixels lie at equal distances.
ggml_tensor* pixels(ggml_context* c, ggml_tensor* map) {
  return ggml_view_3d(c, map, map->ne[0], map->ne[1] * map->ne[2], map->ne[3], map->nb[1],
                      map->nb[3], 0);
}

}  // namespace

HieraBlock::HieraBlock(const Weights& w, const BlockConfig& config, double mlp_ratio)
    : config_(config),
      norm1_(w / "norm1", config.dim, kNormEps),
      norm2_(w / "norm2", config.dim_out, kNormEps),
      qkv_(w / "attn" / "qkv", config.dim, 3 * config.dim_out),
      attention_proj_(w / "attn" / "proj", config.dim_out, config.dim_out),
      qkv_bias_((w / "attn" / "qkv").f32("bias", {3 * config.dim_out})),
      mlp_(w / "mlp",
           {config.dim_out, static_cast<int64_t>(static_cast<double>(config.dim_out) * mlp_ratio),
            config.dim_out},
           compute::nn::Activation::kGelu) {
  if (config.dim != config.dim_out) proj_.emplace(w / "proj", config.dim, config.dim_out);
}

ggml_tensor* HieraBlock::attend(Graph& g, ggml_tensor* x) const {
  ggml_context* c = g.context();
  const int64_t dim = config_.dim_out;
  ggml_tensor* qkv = qkv_(g, x);
  ggml_tensor *q = channels(c, qkv, 0, dim), *k = channels(c, qkv, dim, dim),
              *v = channels(c, qkv, 2 * dim, dim);
  if (config_.pools) q = compute::max_pool_2x2(g, q);
  if (config_.window == 0) {
    const float scale = 1 / std::sqrt(static_cast<float>(dim) / static_cast<float>(config_.heads));
    ggml_tensor* y =
        compute::nn::attention(g, pixels(c, q), pixels(c, k), pixels(c, v), config_.heads, scale);
    return ggml_reshape_4d(c, y, dim, q->ne[1], q->ne[2], q->ne[3]);
  }
  const auto bias = [&](int64_t part) {
    return ggml_view_1d(c, qkv_bias_, dim, static_cast<size_t>(part * dim) * sizeof(float));
  };
  return compute::window_attention(
      g,
      {.heads = config_.heads,
       .window = config_.window,
       .query_window = config_.pools ? config_.window / 2 : config_.window},
      q, k, v, bias(1), bias(2));
}

ggml_tensor* HieraBlock::operator()(Graph& g, ggml_tensor* x) const {
  ggml_context* c = g.context();
  ggml_tensor* normed = norm1_(g, x);
  ggml_tensor* shortcut = x;
  if (proj_) shortcut = (*proj_)(g, normed);
  if (config_.pools) shortcut = compute::max_pool_2x2(g, shortcut);
  // In this order the sum comes right after the projection, whose end takes it.
  x = ggml_add(c, shortcut, attention_proj_(g, attend(g, normed)));
  return ggml_add(c, mlp_(g, norm2_(g, x)), x);
}

Hiera::Hiera(const Weights& w, const Config& config)
    : patch_embed_(
          w / "patch_embed" / "proj", 3, config.trunk.embed_dim,
          {.kernel_h = 7, .kernel_w = 7, .stride_h = 4, .stride_w = 4, .pad_h = 3, .pad_w = 3}),
      position_(position_embedding(w, config)) {
  for (const BlockConfig& block : config.trunk.blocks()) {
    blocks_.emplace_back(w / "blocks" / static_cast<int64_t>(blocks_.size()), block,
                         config.trunk.mlp_ratio);
  }
}

std::vector<ggml_tensor*> Hiera::operator()(Graph& g, ggml_tensor* image) const {
  ggml_tensor* x = ggml_add(g.context(), patch_embed_(g, image), position_);
  std::vector<ggml_tensor*> stages;
  for (const HieraBlock& block : blocks_) {
    x = block(g, x);
    if (block.ends_stage()) stages.push_back(x);
  }
  return stages;
}

}  // namespace alref::sam2
