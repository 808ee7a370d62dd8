// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/deformable_attention.h"

namespace alref::compute::nn {
namespace {

std::vector<float> joined(std::vector<float> first, const std::vector<float>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Linear stacked(const Weights& w, int64_t dim, int64_t points) {
  const Weights offsets = w / "sampling_offsets", scores = w / "attention_weights";
  return Linear(
      w.constant("sampling.weight", {3 * points, dim},
                 joined(offsets.values("weight", {2 * points, dim}),
                        scores.values("weight", {points, dim}))),
      w.constant("sampling.bias", {3 * points},
                 joined(offsets.values("bias", {2 * points}), scores.values("bias", {points}))));
}

}  // namespace

DeformableAttention::DeformableAttention(const Weights& w, int64_t dim, int64_t heads,
                                         int64_t levels, int64_t points)
    : heads_(heads),
      points_(points),
      sampling_(stacked(w, dim, heads * levels * points)),
      value_proj_(w / "value_proj", dim, dim),
      output_proj_(w / "output_proj", dim, dim) {}

ggml_tensor* DeformableAttention::operator()(Graph& g, const std::vector<MapSize>& levels,
                                             ggml_tensor* query, ggml_tensor* value,
                                             ggml_tensor* reference) const {
  ggml_context* c = g.context();
  const DeformableAttentionParams params{.levels = levels, .heads = heads_, .points = points_};
  const int64_t points = heads_ * static_cast<int64_t>(levels.size()) * points_;
  ggml_tensor* sampling = sampling_(g, query);  // [B, Q, 3 * points]
  const auto part = [&](int64_t first, int64_t count) {
    return ggml_view_3d(c, sampling, count, sampling->ne[1], sampling->ne[2], sampling->nb[1],
                        sampling->nb[2], static_cast<size_t>(first) * sizeof(float));
  };
  value = value_proj_(g, value);
  return output_proj_(g, deformable_attention(g, params, value, part(0, 2 * points),
                                              part(2 * points, points), reference));
}

}  // namespace alref::compute::nn
