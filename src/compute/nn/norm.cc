// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/norm.h"

#include "compute/ops/group_norm_op.h"

namespace alref::compute::nn {

LayerNorm::LayerNorm(const Weights& w, int64_t dim, float eps)
    : weight_(w.f32("weight", {dim})), bias_(w.f32("bias", {dim})), eps_(eps) {}

ggml_tensor* LayerNorm::operator()(Graph& g, ggml_tensor* x) const {
  ggml_context* c = g.context();
  return ggml_add(c, ggml_mul(c, ggml_norm(c, x, eps_), weight_), bias_);
}

GroupNorm::GroupNorm(const Weights& w, int64_t groups, int64_t channels, float eps)
    : weight_(w.f32("weight", {channels})),
      bias_(w.f32("bias", {channels})),
      groups_(groups),
      eps_(eps) {}

ggml_tensor* GroupNorm::operator()(Graph& g, ggml_tensor* x) const {
  if (g.prefers_custom_ops()) return group_norm(g, x, weight_, bias_, groups_, eps_);
  ggml_context* c = g.context();
  const int64_t channels = x->ne[0], pixels = x->ne[1] * x->ne[2], batch = x->ne[3];
  // [N, HW, G, C/G] -> [N, G, HW * C/G]: one row per group, normalised like a layer norm without
  // weights.
  ggml_tensor* grouped = ggml_reshape_4d(c, x, channels / groups_, groups_, pixels, batch);
  grouped = ggml_cont(c, ggml_permute(c, grouped, 0, 2, 1, 3));
  grouped = ggml_reshape_3d(c, grouped, channels / groups_ * pixels, groups_, batch);
  grouped = ggml_norm(c, grouped, eps_);
  grouped = ggml_reshape_4d(c, grouped, channels / groups_, pixels, groups_, batch);
  grouped = ggml_cont(c, ggml_permute(c, grouped, 0, 2, 1, 3));
  ggml_tensor* y = ggml_reshape_4d(c, grouped, channels, x->ne[1], x->ne[2], batch);
  return ggml_add(c, ggml_mul(c, y, weight_), bias_);
}

}  // namespace alref::compute::nn
