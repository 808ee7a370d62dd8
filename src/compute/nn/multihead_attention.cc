// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/multihead_attention.h"

#include <cmath>

#include "compute/nn/attention.h"

namespace alref::compute::nn {
namespace {

// Rows [part * dim, (part + 1) * dim) of the stacked projection.
Linear third(const Weights& w, int64_t dim, int64_t part, std::string_view name) {
  const std::vector<float> weight = w.values("in_proj_weight", {3 * dim, dim}),
                           bias = w.values("in_proj_bias", {3 * dim});
  const auto slice = [&](const std::vector<float>& values, int64_t row) {
    return std::span(values).subspan(static_cast<size_t>(part * dim * row),
                                     static_cast<size_t>(dim * row));
  };
  const Weights scope = w / name;
  return Linear(scope.constant("weight", {dim, dim}, slice(weight, dim)),
                scope.constant("bias", {dim}, slice(bias, 1)));
}

}  // namespace

MultiheadAttention::MultiheadAttention(const Weights& w, int64_t dim, int64_t heads)
    : heads_(heads),
      q_proj_(third(w, dim, 0, "q_proj")),
      k_proj_(third(w, dim, 1, "k_proj")),
      v_proj_(third(w, dim, 2, "v_proj")),
      out_proj_(w / "out_proj", dim, dim) {}

ggml_tensor* MultiheadAttention::operator()(Graph& g, ggml_tensor* q, ggml_tensor* k,
                                            ggml_tensor* v, ggml_tensor* mask) const {
  const int64_t head_dim = q->ne[0] / heads_;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  return out_proj_(
      g, attention(g, q_proj_(g, q), k_proj_(g, k), v_proj_(g, v), heads_, scale, nullptr, mask));
}

}  // namespace alref::compute::nn
