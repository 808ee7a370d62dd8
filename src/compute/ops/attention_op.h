// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// softmax(q k^T * scale + bias + mask) v, for every batch entry and head, softmax over the keys.
///
/// Arguments, the innermost dimension contiguous, others with any stride; all f32, but q, k, v and
/// the result may be bf16:
///   q [B, Nq, H*d], k [B, Nk, H*d], v [B, Nk, H*dv], bias [H, Nq, Nk] (optional), mask [M, Nq, Nk]
///   (optional; entry b % M serves batch entry b)  ->  [B, Nq, H*dv]
/// A row whose scores are all -inf gives zeros.
class AttentionOp : public CustomOp {
 public:
  AttentionOp(int64_t heads, float scale, bool has_bias, bool has_mask)
      : heads_(heads), scale_(scale), has_bias_(has_bias), has_mask_(has_mask) {}

  std::string_view name() const override { return "attention"; }
  void run(ggml_tensor* node, int part, int parts) const override;

  int64_t heads() const { return heads_; }
  float scale() const { return scale_; }
  const ggml_tensor* bias(const ggml_tensor* node) const {
    return has_bias_ ? node->src[3] : nullptr;
  }
  const ggml_tensor* mask(const ggml_tensor* node) const {
    return has_mask_ ? node->src[has_bias_ ? 4 : 3] : nullptr;
  }

 private:
  int64_t heads_;
  float scale_;
  bool has_bias_;
  bool has_mask_;
};

}  // namespace alref::compute
