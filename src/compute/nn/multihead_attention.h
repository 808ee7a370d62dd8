// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/nn/linear.h"

namespace alref::compute::nn {

/// torch.nn.MultiheadAttention: q [B, Nq, dim], k and v [B, Nk, dim] -> [B, Nq, dim], f32; mask [M,
/// Nq, Nk] is added to the scores (see nn/attention.h), or null. Weights: in_proj_weight [3 dim,
/// dim], in_proj_bias [3 dim], out_proj.
class MultiheadAttention {
 public:
  MultiheadAttention(const Weights& w, int64_t dim, int64_t heads);

  ggml_tensor* operator()(Graph& g, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v,
                          ggml_tensor* mask = nullptr) const;

 private:
  int64_t heads_;
  Linear q_proj_, k_proj_, v_proj_, out_proj_;
};

}  // namespace alref::compute::nn
