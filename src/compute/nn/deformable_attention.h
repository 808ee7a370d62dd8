// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/nn/linear.h"
#include "compute/ops/deformable_attention_op.h"

namespace alref::compute::nn {

/// Multi-scale deformable attention with its linear layers (GroundingDINO's ms_deform_attn.py,
/// class MultiScaleDeformableAttention):
///   query [B, Q, dim], value [B, S, dim], reference [B or 1, Q, 2 or 4]  ->  [B, Q, dim], f32.
///
/// Weights: sampling_offsets [heads * levels * points * 2, dim], attention_weights [heads * levels
/// * points, dim], value_proj and output_proj [dim, dim], each with a bias.
class DeformableAttention {
 public:
  DeformableAttention(const Weights& w, int64_t dim, int64_t heads, int64_t levels, int64_t points);

  ggml_tensor* operator()(Graph& g, const std::vector<MapSize>& levels, ggml_tensor* query,
                          ggml_tensor* value, ggml_tensor* reference) const;

 private:
  int64_t heads_;
  int64_t points_;
  Linear sampling_;  // offsets, then scores: one product for both
  Linear value_proj_, output_proj_;
};

}  // namespace alref::compute::nn
