// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"

namespace alref::compute {

struct WindowAttentionParams {
  int64_t heads = 1;
  int64_t window = 8;  ///< side of a window of keys and values
  /// Side of the same window in the queries' map: smaller where queries were pooled.
  int64_t query_window = 8;
  /// The map is rolled up and left by so many pixels before it is cut (arXiv:2103.14030, section
  /// 3.2). What the roll brings together does not see each other. Not with pooled queries.
  int64_t shift = 0;
};

/// The square windows of a map. Those to the right and below may reach beyond it; with a shift the
/// map is rolled after it has been filled up to whole windows.
struct WindowGrid {
  WindowGrid(int64_t height, int64_t width, int64_t window, int64_t roll)
      : side(window),
        shift(roll),
        rows((height + window - 1) / window),
        columns((width + window - 1) / window) {}

  int64_t count() const { return rows * columns; }
  /// The map's line that is line `i` of a window in row `row`; beyond the map where it was filled.
  int64_t line(int64_t row, int64_t i) const { return rolled(row * side + i, rows * side); }
  int64_t column(int64_t column, int64_t i) const {
    return rolled(column * side + i, columns * side);
  }
  int64_t rolled(int64_t i, int64_t length) const {
    return i + shift < length ? i + shift : i + shift - length;
  }

  int64_t side, shift, rows, columns;
};

/// Attention within the square windows of a map, without cutting it into windows first (Hiera,
/// arXiv:2306.00989; window partition as in sam2/modeling/backbones/utils.py; Swin,
/// arXiv:2103.14030): softmax(q k^T / sqrt(d) + bias) v for each head and window.
///
///   q [B, Hq, Wq, H*d], k and v [B, H, W, H*d], f32, the innermost dimension contiguous; pad_k and
///   pad_v [H*d]; bias [H, n, n] for the n = window * window places of a window (optional)
///   ->  [B, Hq, Wq, H*d]
///
/// Beyond the map every key is pad_k and every value pad_v (the projection of zeros, which is its
/// bias). Hq / query_window and H / window, rounded up, agree.
class WindowAttentionOp : public CustomOp {
 public:
  WindowAttentionOp(const WindowAttentionParams& params, bool has_bias);

  std::string_view name() const override { return "window attention"; }
  void run(ggml_tensor* node, int part, int parts) const override;

  const WindowAttentionParams& params() const { return params_; }
  const ggml_tensor* bias(const ggml_tensor* node) const {
    return has_bias_ ? node->src[5] : nullptr;
  }
  /// What is added to the scores [n, n] of a window of a shifted map to keep apart what the roll
  /// brought together: 0 or -100, as the official code has it. Null where the seam is elsewhere.
  const float* mask(const WindowGrid& grid, int64_t row, int64_t column) const;

 private:
  WindowAttentionParams params_;
  bool has_bias_;
  std::vector<float> masks_;  // [3, n, n]: windows across the vertical seam, the horizontal, both
};

/// `bias` may be null.
ggml_tensor* window_attention(Graph& g, const WindowAttentionParams& params, ggml_tensor* q,
                              ggml_tensor* k, ggml_tensor* v, ggml_tensor* pad_k,
                              ggml_tensor* pad_v, ggml_tensor* bias = nullptr);

}  // namespace alref::compute
