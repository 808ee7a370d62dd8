// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/mask_decoder.h"

namespace alref::sam2 {

using compute::nn::activate;
using compute::nn::Activation;

namespace {

std::vector<int64_t> iou_head_dims(const Config& config) {
  std::vector<int64_t> dims(static_cast<size_t>(config.decoder.iou_head_depth) + 1,
                            config.decoder.iou_head_dim);
  dims.front() = config.dim;
  dims.back() = config.decoder.mask_tokens();
  return dims;
}

}  // namespace

MaskDecoder::MaskDecoder(const compute::Weights& w, const Config& config)
    : masks_(config.decoder.mask_tokens()),
      transformer_(w / "transformer", config),
      upscale1_(w / "output_upscaling" / 0, config.dim, config.dim / 4),
      upscale2_(w / "output_upscaling" / 3, config.dim / 4, config.dim / 8),
      upscale_norm_(w / "output_upscaling" / 1, config.dim / 4, 1e-6f),
      iou_head_(w / "iou_prediction_head", iou_head_dims(config)),
      object_score_head_(w / "pred_obj_score_head", {config.dim, config.dim, config.dim, 1}) {
  const auto add_tokens = [&](const char* name, int64_t count) {
    const std::vector<float> tokens = (w / name).values("weight", {count, config.dim});
    own_tokens_.insert(own_tokens_.end(), tokens.begin(), tokens.end());
  };
  add_tokens("obj_score_token", 1);
  add_tokens("iou_token", 1);
  add_tokens("mask_tokens", masks_);
  for (int64_t i = 0; i < masks_; ++i) {
    hypernetworks_.emplace_back(
        w / "output_hypernetworks_mlps" / i,
        std::vector<int64_t>{config.dim, config.dim, config.dim, config.dim / 8});
  }
}

MaskDecoder::Result MaskDecoder::operator()(compute::Graph& g, ggml_tensor* image,
                                            ggml_tensor* image_positions, ggml_tensor* tokens,
                                            const Features& features) const {
  ggml_context* c = g.context();
  const auto [tokens_out, image_out] = transformer_(g, image, image_positions, tokens);

  const int64_t n = features.stride8.tensor()->ne[1] / 2;
  ggml_tensor* x = upscale1_(g, ggml_reshape_4d(c, image_out, image_out->ne[0], n, n, 1));
  x = activate(g, upscale_norm_(g, ggml_add(c, x, features.stride8.tensor())), Activation::kGelu);
  x = activate(g, ggml_add(c, upscale2_(g, x), features.stride4.tensor()), Activation::kGelu);
  x = ggml_reshape_2d(c, x, x->ne[0], 16 * n * n);

  ggml_tensor* mixtures = nullptr;
  for (int64_t i = 0; i < masks_; ++i) {
    ggml_tensor* mixture =
        hypernetworks_[static_cast<size_t>(i)](g, compute::rows(c, tokens_out, 2 + i, 3 + i));
    mixtures = mixtures ? ggml_concat(c, mixtures, mixture, 1) : mixture;
  }
  return {.masks = ggml_mul_mat(c, x, mixtures),
          .ious = ggml_sigmoid(c, iou_head_(g, compute::rows(c, tokens_out, 1, 2))),
          .mask_tokens = compute::rows(c, tokens_out, 2, 2 + masks_),
          .object_score = object_score_head_(g, compute::rows(c, tokens_out, 0, 1))};
}

}  // namespace alref::sam2
