// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/memory_encoder.h"

namespace alref::sam2 {

using compute::Weights;
using compute::nn::activate;
using compute::nn::Activation;
using compute::nn::Linear;

namespace {

constexpr int64_t kShrinkings = 4;  // from the image's size to a sixteenth

Linear scaled(const Weights& w, const std::vector<float>& gamma, int64_t in, int64_t out) {
  std::vector<float> weight = w.values("weight", {out, in}), bias = w.values("bias", {out});
  for (size_t i = 0; i < weight.size(); ++i) weight[i] *= gamma[i / static_cast<size_t>(in)];
  for (size_t i = 0; i < bias.size(); ++i) bias[i] *= gamma[i];
  return Linear(w.constant("weight (scaled)", {out, in}, weight),
                w.constant("bias (scaled)", {out}, bias));
}

}  // namespace

MemoryEncoder::MemoryEncoder(const Weights& w, const Config& config)
    : mask_proj_(compute::nn::pointwise(w / "mask_downsampler" / "encoder" / (3 * kShrinkings),
                                        int64_t{1} << (2 * kShrinkings), config.dim)),
      embedding_proj_(compute::nn::pointwise(w / "pix_feat_proj", config.dim, config.dim)),
      out_proj_(compute::nn::pointwise(w / "out_proj", config.dim, config.memory.dim)) {
  const Weights encoder = w / "mask_downsampler" / "encoder";
  for (int64_t i = 0; i < kShrinkings; ++i) {
    const int64_t in = int64_t{1} << (2 * i), out = 4 * in;
    mask_layers_.push_back(
        {.convolution =
             {encoder / (3 * i),
              in,
              out,
              {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
         .norm = {encoder / (3 * i + 1), out, 1e-6f}});
  }
  const int64_t d = config.dim;
  for (int64_t i = 0; i < config.memory.fuser_layers; ++i) {
    const Weights layer = w / "fuser" / "layers" / i;
    fuser_.push_back(
        {.depthwise = {layer / "dwconv",
                       d,
                       d,
                       {.kernel_h = 7, .kernel_w = 7, .pad_h = 3, .pad_w = 3, .groups = d}},
         .norm = {layer / "norm", d, 1e-6f},
         .pointwise1 = {layer / "pwconv1", d, 4 * d},
         .pointwise2 = scaled(layer / "pwconv2", layer.values("gamma", {d}), 4 * d, d)});
  }
}

ggml_tensor* MemoryEncoder::operator()(compute::Graph& g, ggml_tensor* embedding,
                                       ggml_tensor* mask) const {
  ggml_context* c = g.context();
  for (const Shrinking& layer : mask_layers_) {
    mask = activate(g, layer.norm(g, layer.convolution(g, mask)), Activation::kGelu);
  }
  mask = mask_proj_(g, mask);
  ggml_tensor* x = ggml_add(
      c,
      embedding_proj_(g, ggml_reshape_4d(c, embedding, mask->ne[0], mask->ne[1], mask->ne[2], 1)),
      mask);
  for (const FuserLayer& layer : fuser_) {
    ggml_tensor* y = layer.norm(g, layer.depthwise(g, x));
    y = layer.pointwise2(g, activate(g, layer.pointwise1(g, y), Activation::kGelu));
    x = ggml_add(c, y, x);
  }
  return out_proj_(g, x);
}

}  // namespace alref::sam2
