// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compute/graph.h"
#include "compute/weights.h"

namespace alref::compute::nn {

enum class Activation { kNone, kRelu, kGelu };

/// kGelu is the exact one (erf), torch.nn.GELU's default.
ggml_tensor* activate(Graph& g, ggml_tensor* x, Activation activation);

/// x [..., in] -> [..., out], f32. Weights: weight [out, in], bias [out].
class Linear {
 public:
  Linear(const Weights& w, int64_t in, int64_t out, bool bias = true);
  /// With names other than "weight" and "bias" (in_proj_weight), or rows [begin, begin + out) of a
  /// stacked matrix.
  Linear(ggml_tensor* weight, ggml_tensor* bias) : weight_(weight), bias_(bias) {}

  ggml_tensor* operator()(Graph& g, ggml_tensor* x) const;

 private:
  ggml_tensor* weight_;
  ggml_tensor* bias_;  // null: none
};

/// A 1x1 torch.nn.Conv2d of a channels-last map: the same numbers as a Linear. Weights: weight
/// [out, in, 1, 1], bias [out].
Linear pointwise(const Weights& w, int64_t in, int64_t out);

/// outer(inner(x)) as one Linear [..., in] -> [..., out], multiplied out in double when it is
/// built; the new weights are named after `w`. Shapes of the weights may have trailing ones (1x1
/// convolutions).
Linear folded(const Weights& w, const Weights& inner, const Weights& outer,
              const Shape& inner_shape, const Shape& outer_shape);

/// Layers `layers.0`, `layers.1`, ... with an activation between them: [..., dims[0]] -> [...,
/// dims.back()]. (sam2/modeling/sam2_utils.py and GroundingDINO's utils.py, class MLP.)
class Mlp {
 public:
  Mlp(const Weights& w, const std::vector<int64_t>& dims,
      Activation activation = Activation::kRelu);

  ggml_tensor* operator()(Graph& g, ggml_tensor* x) const;

 private:
  std::vector<Linear> layers_;
  Activation activation_;
};

}  // namespace alref::compute::nn
