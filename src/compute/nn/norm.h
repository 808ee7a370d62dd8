// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/graph.h"
#include "compute/weights.h"

namespace alref::compute::nn {

/// Layer norm over the innermost dimension: x [..., dim] -> [..., dim]. Weights: weight [dim], bias
/// [dim]. Since our maps are channels-last, this is also the channel-first LayerNorm2d of SAM 2.
class LayerNorm {
 public:
  LayerNorm(const Weights& w, int64_t dim, float eps = 1e-5f);

  ggml_tensor* operator()(Graph& g, ggml_tensor* x) const;

 private:
  ggml_tensor* weight_;
  ggml_tensor* bias_;
  float eps_;
};

/// Group norm of a channels-last map: x [N, H, W, C] -> the same; statistics over a group's
/// channels and all pixels of an image. Weights: weight [C], bias [C].
class GroupNorm {
 public:
  GroupNorm(const Weights& w, int64_t groups, int64_t channels, float eps = 1e-5f);

  ggml_tensor* operator()(Graph& g, ggml_tensor* x) const;

 private:
  ggml_tensor* weight_;
  ggml_tensor* bias_;
  int64_t groups_;
  float eps_;
};

}  // namespace alref::compute::nn
