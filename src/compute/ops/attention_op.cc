// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/attention_op.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "compute/row_at.h"

namespace alref::compute {
namespace {

float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// Values of a row of f32 or bf16 as f32.
class RowPart {
 public:
  explicit RowPart(int64_t n) : values_(static_cast<size_t>(n)) {}

  const float* of(const ggml_tensor* t, int64_t i1, int64_t i2, int64_t column) {
    const std::byte* from = place_in(t, row_at(t, i1, i2), column);
    if (t->type == GGML_TYPE_F32) return reinterpret_cast<const float*>(from);
    ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t*>(from), values_.data(),
                          static_cast<int64_t>(values_.size()));
    return values_.data();
  }

 private:
  std::vector<float> values_;
};

// Turns scores into weights that sum to 1, or to all zeros where every score is -inf. A NaN makes
// all of them NaN.
void softmax(std::vector<float>& scores) {
  const float top = *std::max_element(scores.begin(), scores.end());
  const bool nan = std::ranges::any_of(scores, [](float s) { return std::isnan(s); });
  if (top == -std::numeric_limits<float>::infinity() && !nan) {
    std::fill(scores.begin(), scores.end(), 0.0f);
    return;
  }
  float sum = 0;
  for (float& s : scores) sum += s = std::exp(s - top);
  for (float& s : scores) s /= sum;
}

}  // namespace

void AttentionOp::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2];
  const ggml_tensor *b = bias(node), *m = mask(node);
  const int64_t d = q->ne[0] / heads_, dv = v->ne[0] / heads_;
  const int64_t queries = q->ne[1], keys = k->ne[1], batch = q->ne[2];

  RowPart query_part(d), key_part(d), value_part(dv);
  std::vector<float> scores(static_cast<size_t>(keys)), out(static_cast<size_t>(dv));
  const Range mine = share(batch * heads_ * queries, part, parts);
  for (int64_t i = mine.begin; i < mine.end; ++i) {
    const int64_t iq = i % queries, h = i / queries % heads_, ib = i / queries / heads_;
    const float* query = query_part.of(q, iq, ib, h * d);
    const float* bias_row = b ? row_at(b, iq, h) : nullptr;
    const float* mask_row = m ? row_at(m, iq, ib % m->ne[2]) : nullptr;
    for (int64_t j = 0; j < keys; ++j) {
      float score = dot(query, key_part.of(k, j, ib, h * d), d) * scale_;
      if (bias_row) score += bias_row[j];
      if (mask_row) score += mask_row[j];
      scores[static_cast<size_t>(j)] = score;
    }
    softmax(scores);
    std::fill(out.begin(), out.end(), 0.0f);
    for (int64_t j = 0; j < keys; ++j) {
      const float weight = scores[static_cast<size_t>(j)];
      const float* value = value_part.of(v, j, ib, h * dv);
      for (int64_t c = 0; c < dv; ++c) out[static_cast<size_t>(c)] += weight * value[c];
    }
    auto* to = static_cast<std::byte*>(node->data) +
               static_cast<size_t>((ib * queries + iq) * node->ne[0] + h * dv) * node->nb[0];
    if (node->type == GGML_TYPE_F32) {
      std::ranges::copy(out, reinterpret_cast<float*>(to));
    } else {
      ggml_fp32_to_bf16_row(out.data(), reinterpret_cast<ggml_bf16_t*>(to), dv);
    }
  }
}

}  // namespace alref::compute
