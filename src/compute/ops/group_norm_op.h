// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Group normalisation (arXiv:1803.08494): (x - mean) / sqrt(variance + eps) * weight + bias, with
/// mean and variance of all pixels' channels of a group.
///
///   x [N, H, W, C], contiguous; weight and bias [C], f32; `groups` divides C  ->  [N, H, W, C]
ggml_tensor* group_norm(Graph& g, ggml_tensor* x, ggml_tensor* weight, ggml_tensor* bias,
                        int64_t groups, float eps);

}  // namespace alref::compute
