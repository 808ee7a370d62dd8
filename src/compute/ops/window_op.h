// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Square windows of a map, moved by a cyclic shift (arXiv:2103.14030, section 3.2): windows to the
/// right and below are filled up with zeros to whole ones, then the map is rolled up and left by
/// `shift`.
struct WindowParams {
  int64_t window = 7;
  int64_t shift = 0;
};

/// x [B, H, W, C] -> [B * windows, window * window, C], windows row by row; padding, roll and
/// partition in one copy.
ggml_tensor* window_partition(Graph& g, const WindowParams& params, ggml_tensor* x);

/// The reverse: [B * windows, window * window, C] -> [B, height, width, C].
ggml_tensor* window_merge(Graph& g, const WindowParams& params, ggml_tensor* windows,
                          int64_t height, int64_t width);

/// Swin's patch merging before its norm: x [B, H, W, C] -> [B, ceil(H/2), ceil(W/2), 4 C], the
/// pixels (0, 0), (1, 0), (0, 1), (1, 1) (row, column) of each 2 x 2 square beside each other,
/// zeros outside.
ggml_tensor* patch_merge(Graph& g, ggml_tensor* x);

/// What keeps apart, in a shifted map, pixels that came to share a window by the roll: [windows, n,
/// n] with n = window * window; 0 or -100, as the official code has it.
std::vector<float> shifted_window_mask(const WindowParams& params, int64_t height, int64_t width);

}  // namespace alref::compute
