// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"

namespace alref::compute {

struct SineEmbeddingParams {
  std::vector<int> order;  ///< which input each block of the output encodes
  int64_t features = 128;  ///< of a block; even
  float temperature = 10000;
};

/// Sines and cosines of positions (arXiv:1706.03762, section 3.5, with positions scaled by 2 pi as
/// DETR does):
///   x [..., n] -> [..., order.size() * features];  feature i of a block is, with t =
///   temperature^(2 floor(i / 2) / features), sin(2 pi x / t) for even i and cos(2 pi x / t) for
///   odd i.
ggml_tensor* sine_embedding(Graph& g, const SineEmbeddingParams& params, ggml_tensor* x);

/// The same for one number, on the host: `features` values at `out`.
void sine_embedding(float x, int64_t features, float temperature, float* out);

}  // namespace alref::compute
