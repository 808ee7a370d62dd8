// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

struct WindowAttentionParams {
  int64_t heads = 1;
  int64_t window = 8;  ///< side of a window of keys and values
  int64_t query_window =
      8;  ///< side of the same window in the queries' map: smaller where queries were pooled
};

/// Attention within the square windows of a map, without cutting it into windows first (Hiera,
/// arXiv:2306.00989; window partition as in sam2/modeling/backbones/utils.py): softmax(q k^T /
/// sqrt(d)) v for each head and window.
///
///   q [B, Hq, Wq, H*d], k and v [B, H, W, H*d], f32, the innermost dimension contiguous; pad_k and
///   pad_v [H*d]
///   ->  [B, Hq, Wq, H*d]
///
/// Windows to the right and below may reach beyond the map: there every key is pad_k and every
/// value pad_v (the projection of zeros, which is its bias). Hq / query_window and H / window,
/// rounded up, agree.
class WindowAttentionOp : public CustomOp {
 public:
  explicit WindowAttentionOp(const WindowAttentionParams& params) : params_(params) {}

  std::string_view name() const override { return "window attention"; }
  void run(ggml_tensor* node, int part, int parts) const override;

  const WindowAttentionParams& params() const { return params_; }

 private:
  WindowAttentionParams params_;
};

ggml_tensor* window_attention(Graph& g, const WindowAttentionParams& params, ggml_tensor* q,
                              ggml_tensor* k, ggml_tensor* v, ggml_tensor* pad_k,
                              ggml_tensor* pad_v);

}  // namespace alref::compute
