// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/prompt_encoder.h"

#include <cmath>
#include <numbers>

namespace alref::sam2 {

using compute::nn::activate;
using compute::nn::Activation;

PromptEncoder::PromptEncoder(const compute::Weights& w, const Config& config)
    : dim_(config.dim),
      image_size_(static_cast<double>(config.image_size)),
      frequencies_(
          (w / "pe_layer").values("positional_encoding_gaussian_matrix", {2, config.dim / 2})),
      mask_conv1_(w / "mask_downscaling" / 0, 1, config.mask_in_channels / 4,
                  {.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2}),
      mask_conv2_(w / "mask_downscaling" / 3, config.mask_in_channels / 4, config.mask_in_channels,
                  {.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2}),
      mask_norm1_(w / "mask_downscaling" / 1, config.mask_in_channels / 4, 1e-6f),
      mask_norm2_(w / "mask_downscaling" / 4, config.mask_in_channels, 1e-6f),
      mask_proj_(
          compute::nn::pointwise(w / "mask_downscaling" / 6, config.mask_in_channels, config.dim)),
      no_mask_((w / "no_mask_embed").f32("weight", {1, config.dim})) {
  label_embeds_.push_back((w / "not_a_point_embed").values("weight", {1, config.dim}));
  for (int64_t label = 0; label < 4; ++label) {
    label_embeds_.push_back((w / "point_embeddings" / label).values("weight", {1, config.dim}));
  }
  const int64_t n = config.map_size();
  std::vector<float> places(static_cast<size_t>(n * n * dim_));
  for (int64_t y = 0; y < n; ++y) {
    for (int64_t x = 0; x < n; ++x) {
      encode_place((static_cast<double>(x) + 0.5) / static_cast<double>(n),
                   (static_cast<double>(y) + 0.5) / static_cast<double>(n),
                   places.data() + (y * n + x) * dim_);
    }
  }
  image_positions_ = w.constant("positions of the image embedding", {n * n, dim_}, places);
}

// x and y are in [0, 1] over the image.
void PromptEncoder::encode_place(double x, double y, float* out) const {
  const int64_t half = dim_ / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double angle = 2 * std::numbers::pi *
                         ((2 * x - 1) * frequencies_[static_cast<size_t>(i)] +
                          (2 * y - 1) * frequencies_[static_cast<size_t>(half + i)]);
    out[i] = static_cast<float>(std::sin(angle));
    out[half + i] = static_cast<float>(std::cos(angle));
  }
}

std::vector<float> PromptEncoder::encode(const PromptPoints& prompt) const {
  const size_t count = prompt.points.size() + 1;
  std::vector<float> tokens(count * static_cast<size_t>(dim_));
  for (size_t i = 0; i < count; ++i) {
    const int label = i < prompt.points.size() ? prompt.labels[i] : kNoPoint;
    float* token = tokens.data() + i * static_cast<size_t>(dim_);
    if (label != kNoPoint) {  // half a pixel: to the pixel's centre
      encode_place((double{prompt.points[i].x} + 0.5) / image_size_,
                   (double{prompt.points[i].y} + 0.5) / image_size_, token);
    }
    const int row = label + 1;  // kNoPoint is -1
    const std::vector<float>& embed = label_embeds_[static_cast<size_t>(row)];
    for (size_t c = 0; c < embed.size(); ++c) token[c] += embed[c];
  }
  return tokens;
}

ggml_tensor* PromptEncoder::encode_mask(compute::Graph& g, ggml_tensor* mask) const {
  ggml_tensor* x = activate(g, mask_norm1_(g, mask_conv1_(g, mask)), Activation::kGelu);
  x = activate(g, mask_norm2_(g, mask_conv2_(g, x)), Activation::kGelu);
  return mask_proj_(g, x);
}

}  // namespace alref::sam2
