// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/memory_attention.h"

#include <cmath>

#include "compute/nn/attention.h"
#include "compute/nn/position_encoding.h"
#include "compute/ops/rope_op.h"

namespace alref::sam2 {

using compute::Graph;
using compute::Weights;
using compute::nn::Activation;
using compute::nn::Linear;

namespace {

constexpr double kTemperature = 10000;

ggml_tensor* image_positions(const Weights& w, const Config& config) {
  const int64_t n = config.map_size();
  std::vector<float> values = compute::nn::sine_encoding(n, n, config.dim, kTemperature);
  for (float& value : values) value *= 0.1f;
  return w.constant("positions of the image (a tenth)", {n * n, config.dim}, values);
}

ggml_tensor* memory_places(const Weights& w, const Config& config) {
  const int64_t n = config.map_size(), m = config.memory.dim;
  const std::vector<float> place = compute::nn::sine_encoding(n, n, m, kTemperature);
  const std::vector<float> time = w.values("maskmem_tpos_enc", {config.memory.frames, 1, 1, m});
  std::vector<float> values(static_cast<size_t>(config.memory.frames) * place.size());
  float* value = values.data();
  for (int64_t t = 0; t < config.memory.frames; ++t) {
    const float* offset = &time[static_cast<size_t>(t * m)];
    for (const float* at = place.data(); at != place.data() + place.size(); at += m, value += m) {
      for (int64_t i = 0; i < m; ++i) value[i] = at[i] + offset[i];
    }
  }
  return w.constant("places and times of memories", {config.memory.frames, n * n * m}, values);
}

}  // namespace

MemoryAttention::MemoryAttention(const Weights& w, const Config& config)
    : side_(config.map_size()),
      pixels_(side_ * side_),
      dim_(config.dim),
      memory_dim_(config.memory.dim),
      scale_(1 / std::sqrt(static_cast<float>(config.dim))),
      norm_(w / "memory_attention" / "norm", config.dim),
      image_positions_(image_positions(w, config)),
      rope_table_(w.constant("rotary encoding of the image",
                             {2 * config.map_size(), config.dim / 2},
                             compute::axial_rope_table(config.map_size(), config.map_size(),
                                                       config.dim, config.memory.rope_theta))),
      places_(memory_places(w, config)) {
  const int64_t d = config.dim, m = config.memory.dim;
  for (int64_t i = 0; i < config.memory.layers; ++i) {
    const Weights layer = w / "memory_attention" / "layers" / i;
    const Weights self = layer / "self_attn", cross = layer / "cross_attn_image";
    layers_.push_back(
        {.norm1 = {layer / "norm1", d},
         .norm2 = {layer / "norm2", d},
         .norm3 = {layer / "norm3", d},
         .self_q = {self / "q_proj", d, d},
         .self_k = {self / "k_proj", d, d},
         .self_out = compute::nn::folded(self, self / "v_proj", self / "out_proj", {d, d}, {d, d}),
         .cross_q = {cross / "q_proj", d, d},
         .cross_k = {cross / "k_proj", m, d},
         .cross_out =
             compute::nn::folded(cross, cross / "v_proj", cross / "out_proj", {d, m}, {d, d}),
         .linear1 = {layer / "linear1", d, config.memory.mlp_dim},
         .linear2 = {layer / "linear2", config.memory.mlp_dim, d}});
  }
  if (config.memory.pointers_have_time) time_proj_.emplace(w / "obj_ptr_tpos_proj", d, m);
}

ggml_tensor* MemoryAttention::attend_to_self(Graph& g, const Layer& layer, ggml_tensor* x) const {
  ggml_tensor* normed = layer.norm1(g, x);
  ggml_tensor* q = compute::rope(g, layer.self_q(g, normed), rope_table_, side_, pixels_);
  ggml_tensor* k = compute::rope(g, layer.self_k(g, normed), rope_table_, side_, pixels_);
  ggml_tensor* y = compute::nn::attention(g, q, k, normed, /*heads=*/1, scale_);
  return ggml_add(g.context(), layer.self_out(g, y), x);
}

ggml_tensor* MemoryAttention::prepare(Graph& g, ggml_tensor* embedding) const {
  return attend_to_self(g, layers_.front(), ggml_add(g.context(), embedding, image_positions_));
}

ggml_tensor* MemoryAttention::operator()(Graph& g, ggml_tensor* prepared,
                                         const Memory& memory) const {
  ggml_context* c = g.context();
  const int64_t frames = memory.times->ne[0], rotated = frames * pixels_,
                tokens = memory.tokens->ne[1];
  ggml_tensor* keys_in = ggml_add(c,
                                  ggml_reshape_2d(c, compute::rows(c, memory.tokens, 0, rotated),
                                                  pixels_ * memory_dim_, frames),
                                  ggml_get_rows(c, places_, memory.times));
  keys_in = ggml_reshape_2d(c, keys_in, memory_dim_, rotated);
  if (tokens > rotated) {
    ggml_tensor* pointers = compute::rows(c, memory.tokens, rotated, tokens);
    if (memory.pointer_times) {
      const int64_t parts = dim_ / memory_dim_, count = memory.pointer_times->ne[1];
      ggml_tensor* times = (*time_proj_)(g, memory.pointer_times);
      pointers = ggml_add(c, ggml_reshape_3d(c, pointers, memory_dim_, parts, count),
                          ggml_reshape_3d(c, times, memory_dim_, 1, count));
      pointers = ggml_reshape_2d(c, pointers, memory_dim_, parts * count);
    }
    keys_in = ggml_concat(c, keys_in, pointers, 1);
  }

  ggml_tensor* x = prepared;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (i > 0) x = attend_to_self(g, layer, x);
    ggml_tensor* q =
        compute::rope(g, layer.cross_q(g, layer.norm2(g, x)), rope_table_, side_, pixels_);
    ggml_tensor* k = compute::rope(g, layer.cross_k(g, keys_in), rope_table_, side_, rotated);
    ggml_tensor* y = compute::nn::attention(g, q, k, memory.tokens, /*heads=*/1, scale_);
    x = ggml_add(c, layer.cross_out(g, y), x);
    y = compute::nn::activate(g, layer.linear1(g, layer.norm3(g, x)), Activation::kRelu);
    x = ggml_add(c, layer.linear2(g, y), x);
  }
  return norm_(g, x);
}

}  // namespace alref::sam2
