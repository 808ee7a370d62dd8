// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Weighted means over a long list, with weights from a softmax down each column:
///   scores [B, N, M], x [B, N, C]  ->  y [B, M, C],  y[m] = sum over n of softmax(scores[:, m])[n]
///   * x[n],  f32.
/// Attention of few queries over many keys, for scores laid out with the keys outermost; only exp
/// and sums, no transposes.
ggml_tensor* softmax_pool(Graph& g, ggml_tensor* scores, ggml_tensor* x);

}  // namespace alref::compute
