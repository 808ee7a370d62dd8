// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/onednn/engine.h"
#include "compute/onednn/weight_cache.h"
#include "compute/ops/convolution_op.h"

namespace alref::compute::onednn {

/// ConvolutionOp. Depthwise ones and those from few channels to few have kernels of their own; all
/// others are products whose left-hand side, the patch under each output pixel, is gathered block
/// by block in the cache.
bool multiplies(const ConvolutionOp& op, const ggml_tensor* node);
/// `sum`, if not null, is node + something of its shape, stored instead of node (fusion.h,
/// fuse_sum); of one that multiplies only.
void run_convolution(Engine& engine, WeightCache& weights, const ConvolutionOp& op,
                     ggml_tensor* node, ggml_tensor* sum);

}  // namespace alref::compute::onednn
