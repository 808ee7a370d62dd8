// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/custom_op.h"

namespace alref::compute {

/// Height and width of a feature map.
struct MapSize {
  int64_t height = 0;
  int64_t width = 0;

  int64_t pixels() const { return height * width; }
};

struct DeformableAttentionParams {
  std::vector<MapSize> levels;
  int64_t heads = 8;
  int64_t points = 4;
};

/// Multi-scale deformable attention (arXiv:2010.04159; GroundingDINO's ms_deform_attn.py) between
/// its linear layers, in one pass: per query and head, softmax over all levels and points, sampling
/// places, bilinear sampling with zeros outside the maps (grid_sample, align_corners=False),
/// weighted sum.
///
///   value      [B, S, heads * d]                         f32 or bf16; S = pixels of all levels,
///                                                        one after the other
///   offsets    [B, Q, heads * levels * points * 2]       f32, (x, y) innermost
///   scores     [B, Q, heads * levels * points]           f32, before the softmax
///   reference  [B or 1, Q, 2] points or [.., 4] boxes    f32, in [0, 1]: (x, y) or
///                                                        (centre x, centre y, width, height)
///   ->         [B, Q, heads * d]                         f32
///
/// A point of level l is sampled at reference + offset / size of l; with a box, at its centre +
/// offset / points * size of the box / 2. The innermost dimension of each argument is contiguous,
/// others may have any stride.
class DeformableAttentionOp : public CustomOp {
 public:
  explicit DeformableAttentionOp(DeformableAttentionParams params) : params_(std::move(params)) {}

  std::string_view name() const override { return "deformable attention"; }
  void run(ggml_tensor* node, int part, int parts) const override;
  const DeformableAttentionParams& params() const { return params_; }

 private:
  DeformableAttentionParams params_;
};

ggml_tensor* deformable_attention(Graph& g, const DeformableAttentionParams& params,
                                  ggml_tensor* value, ggml_tensor* offsets, ggml_tensor* scores,
                                  ggml_tensor* reference);

}  // namespace alref::compute
