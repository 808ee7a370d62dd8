// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/graph.h"
#include "core/resize_taps.h"

namespace alref::compute::nn {

/// torch.nn.functional.interpolate(align_corners=False) of a channels-last map, in the modes of
/// core/resize_taps.h:
///   x [N, H, W, C], f32, the innermost dimension contiguous  ->  [N, height, width, C]
ggml_tensor* resize(Graph& g, ggml_tensor* x, int64_t height, int64_t width, Resampling mode);

}  // namespace alref::compute::nn
