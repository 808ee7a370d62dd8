// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/onednn/engine.h"
#include "compute/onednn/weight_cache.h"
#include "compute/ops/convolution_op.h"

namespace alref::compute::onednn {

/// ConvolutionOp. Depthwise ones have a kernel of their own; all others are products whose
/// left-hand side, the patch under each output pixel, is gathered block by block in the cache.
void run_convolution(Engine& engine, WeightCache& weights, const ConvolutionOp& op,
                     ggml_tensor* node);

}  // namespace alref::compute::onednn
