// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Swin's patch merging before its norm (arXiv:2103.14030): x [B, H, W, C] -> [B, ceil(H/2),
/// ceil(W/2), 4 C], the pixels (0, 0), (1, 0), (0, 1), (1, 1) (row, column) of each 2 x 2 square
/// beside each other, zeros outside.
ggml_tensor* patch_merge(Graph& g, ggml_tensor* x);

}  // namespace alref::compute
