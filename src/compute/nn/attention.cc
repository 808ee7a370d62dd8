// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/attention.h"

#include <limits>

#include "compute/ops/attention_op.h"

namespace alref::compute::nn {
namespace {

// [B, N, H*d] -> [B, H, N, d]
ggml_tensor* split_heads(ggml_context* c, ggml_tensor* x, int64_t heads) {
  x = ggml_view_4d(c, x, x->ne[0] / heads, heads, x->ne[1], x->ne[2],
                   static_cast<size_t>(x->ne[0] / heads) * ggml_element_size(x), x->nb[1], x->nb[2],
                   0);
  return ggml_permute(c, x, 0, 2, 1, 3);
}

// Plain ggml, for devices that cannot run AttentionOp themselves.
ggml_tensor* spelled_out(Graph& g, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v, int64_t heads,
                         float scale, ggml_tensor* bias, ggml_tensor* mask) {
  ggml_context* c = g.context();
  for (ggml_tensor** t : {&q, &k, &v}) {
    if ((*t)->type != GGML_TYPE_F32) *t = ggml_cast(c, *t, GGML_TYPE_F32);
  }
  const int64_t queries = q->ne[1], keys = k->ne[1], batch = q->ne[2];
  ggml_tensor* scores = ggml_mul_mat(c, ggml_cont(c, split_heads(c, k, heads)),
                                     ggml_cont(c, split_heads(c, q, heads)));  // [B, H, Nq, Nk]
  scores = ggml_scale(c, scores, scale);
  if (bias) scores = ggml_add(c, scores, ggml_reshape_4d(c, bias, keys, queries, heads, 1));
  if (mask) {
    const int64_t period = mask->ne[2];
    // [B/M, M, H, Nq, Nk] does not fit four dimensions: rows of one head and query block are put
    // together.
    scores = ggml_reshape_4d(c, scores, keys * queries, heads, period, batch / period);
    scores = ggml_add(c, scores, ggml_reshape_4d(c, mask, keys * queries, 1, period, 1));
    scores = ggml_reshape_4d(c, scores, keys, queries, heads, batch);
  }
  ggml_tensor* weights = ggml_soft_max(c, scores);
  if (bias || mask) {
    // Where all scores are -inf a softmax divides by 0. A sink below every finite score leaves such
    // rows the weights 0, and changes no others.
    ggml_tensor* sinks = ggml_scale_bias(c, ggml_arange(c, 0, static_cast<float>(heads), 1), 0,
                                         std::numeric_limits<float>::lowest());
    ggml_soft_max_add_sinks(weights, sinks);
  }
  ggml_tensor* values =
      ggml_cont(c, ggml_transpose(c, split_heads(c, v, heads)));  // [B, H, dv, Nk]
  ggml_tensor* y = ggml_mul_mat(c, values, weights);              // [B, H, Nq, dv]
  return ggml_reshape_3d(c, ggml_cont(c, ggml_permute(c, y, 0, 2, 1, 3)), v->ne[0], queries, batch);
}

}  // namespace

ggml_tensor* attention(Graph& g, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v, int64_t heads,
                       float scale, ggml_tensor* bias, ggml_tensor* mask, ggml_type type) {
  GGML_ASSERT(q->ne[0] == k->ne[0] && q->ne[0] % heads == 0 && v->ne[0] % heads == 0);
  GGML_ASSERT(k->ne[1] == v->ne[1] && q->ne[2] == k->ne[2] && k->ne[2] == v->ne[2]);
  if (!g.prefers_custom_ops()) {
    ggml_tensor* y = spelled_out(g, q, k, v, heads, scale, bias, mask);
    return type == GGML_TYPE_F32 ? y : ggml_cast(g.context(), y, type);
  }

  auto op = std::make_shared<AttentionOp>(heads, scale, bias != nullptr, mask != nullptr);
  const Shape shape = {q->ne[2], q->ne[1], v->ne[0]};
  if (bias && mask) return custom(g, op, shape, {q, k, v, bias, mask}, type);
  if (bias || mask) return custom(g, op, shape, {q, k, v, bias ? bias : mask}, type);
  return custom(g, op, shape, {q, k, v}, type);
}

}  // namespace alref::compute::nn
