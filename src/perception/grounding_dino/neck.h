// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/graph.h"
#include "compute/nn/convolution.h"
#include "compute/nn/norm.h"
#include "compute/ops/deformable_attention_op.h"
#include "perception/grounding_dino/config.h"

namespace alref::grounding_dino {

/// Brings the backbone's maps to one width and adds coarser levels (GroundingDINO's
/// groundingdino.py, input_proj): 1x1 convolutions, then 3x3 ones of stride 2, each with a group
/// norm. Weights: I.0 (convolution), I.1 (norm).
class Neck {
 public:
  Neck(const compute::Weights& w, const Config& config);

  /// Sizes of all levels, given those of the backbone's maps.
  std::vector<compute::MapSize> sizes(std::vector<compute::MapSize> maps) const;

  /// Maps [B, h, w, channels] -> levels [B, h, w, d_model].
  std::vector<ggml_tensor*> operator()(compute::Graph& g,
                                       const std::vector<ggml_tensor*>& maps) const;

 private:
  struct Projection {
    compute::nn::Convolution convolution;
    compute::nn::GroupNorm norm;
  };
  size_t maps_;  // levels that come from the backbone
  std::vector<Projection> projections_;
};

}  // namespace alref::grounding_dino
