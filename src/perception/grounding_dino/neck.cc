// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/neck.h"

namespace alref::grounding_dino {

namespace nn = compute::nn;

namespace {

constexpr int64_t kGroups = 32;

}  // namespace

Neck::Neck(const compute::Weights& w, const Config& config)
    : maps_(config.swin.out_indices.size()) {
  for (int64_t i = 0; i < config.levels; ++i) {
    const bool from_map = i < static_cast<int64_t>(maps_);
    const bool first_extra = i == static_cast<int64_t>(maps_);
    const int64_t in = from_map
                           ? config.swin.channels(config.swin.out_indices[static_cast<size_t>(i)])
                       : first_extra ? config.swin.channels(config.swin.out_indices.back())
                                     : config.d_model;
    const compute::ConvolutionParams params = from_map ? compute::ConvolutionParams{}
                                                       : compute::ConvolutionParams{.kernel_h = 3,
                                                                                    .kernel_w = 3,
                                                                                    .stride_h = 2,
                                                                                    .stride_w = 2,
                                                                                    .pad_h = 1,
                                                                                    .pad_w = 1};
    projections_.push_back({nn::Convolution(w / i / int64_t{0}, in, config.d_model, params),
                            nn::GroupNorm(w / i / int64_t{1}, kGroups, config.d_model)});
  }
}

std::vector<compute::MapSize> Neck::sizes(std::vector<compute::MapSize> maps) const {
  while (maps.size() < projections_.size()) {
    maps.push_back({(maps.back().height + 1) / 2, (maps.back().width + 1) / 2});
  }
  return maps;
}

std::vector<ggml_tensor*> Neck::operator()(compute::Graph& g,
                                           const std::vector<ggml_tensor*>& maps) const {
  std::vector<ggml_tensor*> levels;
  for (size_t i = 0; i < projections_.size(); ++i) {
    // The first extra level is made of the backbone's last map itself, the next ones of the level
    // before.
    ggml_tensor* x = i < maps_ ? maps[i] : i == maps_ ? maps.back() : levels.back();
    levels.push_back(projections_[i].norm(g, projections_[i].convolution(g, x)));
  }
  return levels;
}

}  // namespace alref::grounding_dino
