// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/image_encoder.h"

namespace alref::sam2 {
namespace {

// Lateral projection of a fine level, then the mask decoder's: no bends in between.
compute::nn::Linear fine_level(const compute::Weights& w, const Config& config, size_t stage,
                               const char* decoder_conv, int64_t out) {
  const compute::Weights lateral =
      w / "image_encoder" / "neck" / "convs" / static_cast<int64_t>(3 - stage) / "conv";
  return compute::nn::folded(lateral, lateral, w / "sam_mask_decoder" / decoder_conv,
                             {config.dim, config.trunk.stage_dim(stage), 1, 1},
                             {out, config.dim, 1, 1});
}

compute::nn::Linear lateral(const compute::Weights& w, const Config& config, size_t stage) {
  return compute::nn::pointwise(
      w / "image_encoder" / "neck" / "convs" / static_cast<int64_t>(3 - stage) / "conv",
      config.trunk.stage_dim(stage), config.dim);
}

}  // namespace

Features::Features(compute::Device& device, const Config& config)
    : embedding(device, GGML_TYPE_F32, {config.map_size() * config.map_size(), config.dim}),
      stride8(device, GGML_TYPE_F32,
              {1, 2 * config.map_size(), 2 * config.map_size(), config.dim / 4}),
      stride4(device, GGML_TYPE_F32,
              {1, 4 * config.map_size(), 4 * config.map_size(), config.dim / 8}) {}

ImageEncoder::ImageEncoder(const compute::Weights& w, const Config& config)
    : trunk_(w / "image_encoder" / "trunk", config),
      stride4_(fine_level(w, config, 0, "conv_s0", config.dim / 8)),
      stride8_(fine_level(w, config, 1, "conv_s1", config.dim / 4)),
      stride16_(lateral(w, config, 2)),
      stride32_(lateral(w, config, 3)) {}

void ImageEncoder::operator()(compute::Graph& g, ggml_tensor* image, const Features& into) const {
  ggml_context* c = g.context();
  const std::vector<ggml_tensor*> stages = trunk_(g, image);
  g.store(stride4_(g, stages[0]), into.stride4);
  g.store(stride8_(g, stages[1]), into.stride8);

  // Each pixel of the coarse level is added to the 2 x 2 pixels that it covers: columns are doubled
  // by a copy, rows by broadcasting.
  ggml_tensor* fine = stride16_(g, stages[2]);
  ggml_tensor* coarse = stride32_(g, stages[3]);
  const int64_t dim = coarse->ne[0], width = coarse->ne[1], height = coarse->ne[2];
  coarse = ggml_reshape_4d(c, coarse, dim, 1, width, height);
  coarse = ggml_repeat_4d(c, coarse, dim, 2, width, height);
  coarse = ggml_reshape_3d(c, coarse, dim * 2 * width, 1, height);
  fine = ggml_reshape_3d(c, fine, dim * 2 * width, 2, height);
  g.store(ggml_add(c, fine, coarse), into.embedding);
}

}  // namespace alref::sam2
