// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/window_attention_op.h"

#include <algorithm>
#include <cmath>

#include "compute/row_at.h"

namespace alref::compute {
namespace {

void softmax(float* scores, int64_t n) {
  const float top = *std::max_element(scores, scores + n);
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += scores[i] = std::exp(scores[i] - top);
  const float scale = 1 / sum;
  for (int64_t i = 0; i < n; ++i) scores[i] *= scale;
}

// One head's keys and values in one window.
struct Head {
  int64_t d, keys;
  std::vector<float> transposed_keys, scores;
  std::vector<const float*> values;

  // `scores` holds what is added to them.
  void attend(const float* query, float* out) {
    const float scale = 1 / std::sqrt(static_cast<float>(d));
    for (int64_t c = 0; c < d; ++c) {
      const float factor = query[c] * scale;
      const float* key = transposed_keys.data() + c * keys;
      for (int64_t j = 0; j < keys; ++j) scores[static_cast<size_t>(j)] += factor * key[j];
    }
    softmax(scores.data(), keys);
    std::fill_n(out, d, 0.0f);
    for (int64_t j = 0; j < keys; ++j) {
      const float weight = scores[static_cast<size_t>(j)];
      const float* value = values[static_cast<size_t>(j)];
      for (int64_t c = 0; c < d; ++c) out[c] += weight * value[c];
    }
  }
};

void add_to(std::vector<float>& scores, const float* row) {
  for (size_t j = 0; row && j < scores.size(); ++j) scores[j] += row[j];
}

}  // namespace

WindowAttentionOp::WindowAttentionOp(const WindowAttentionParams& params, bool has_bias)
    : params_(params), has_bias_(has_bias) {
  if (params.shift == 0) return;
  const int64_t side = params.window, places = side * side, seam = side - params.shift;
  for (int kind = 1; kind <= 3; ++kind) {
    const auto region = [&](int64_t place) {
      return (kind & 1 && place % side >= seam ? 1 : 0) +
             (kind & 2 && place / side >= seam ? 2 : 0);
    };
    for (int64_t i = 0; i < places; ++i) {
      for (int64_t j = 0; j < places; ++j) {
        masks_.push_back(region(i) == region(j) ? 0.0f : -100.0f);
      }
    }
  }
}

const float* WindowAttentionOp::mask(const WindowGrid& grid, int64_t row, int64_t column) const {
  const int kind = (column + 1 == grid.columns ? 1 : 0) + (row + 1 == grid.rows ? 2 : 0);
  const int64_t places = grid.side * grid.side;
  return masks_.empty() || kind == 0 ? nullptr : masks_.data() + (kind - 1) * places * places;
}

void WindowAttentionOp::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2], *b = bias(node);
  const float *pad_k = static_cast<const float*>(node->src[3]->data),
              *pad_v = static_cast<const float*>(node->src[4]->data);
  const WindowGrid grid(k->ne[2], k->ne[1], params_.window, params_.shift);
  const WindowGrid query_grid(q->ne[2], q->ne[1], params_.query_window, params_.shift);
  const int64_t side = grid.side, keys = side * side, d = k->ne[0] / params_.heads;
  Head head{.d = d,
            .keys = keys,
            .transposed_keys = std::vector<float>(static_cast<size_t>(d * keys)),
            .scores = std::vector<float>(static_cast<size_t>(keys)),
            .values = std::vector<const float*>(static_cast<size_t>(keys))};
  const Range mine = share(k->ne[3] * grid.count() * params_.heads, part, parts);
  for (int64_t item = mine.begin; item < mine.end; ++item) {
    const int64_t h = item % params_.heads, at = item / params_.heads;
    const int64_t n = at / grid.count(), row = at / grid.columns % grid.rows,
                  column = at % grid.columns;
    for (int64_t j = 0; j < keys; ++j) {
      const int64_t y = grid.line(row, j / side), x = grid.column(column, j % side);
      const bool inside = y < k->ne[2] && x < k->ne[1];
      const float* key = (inside ? row_at(k, x, y, n) : pad_k) + h * d;
      for (int64_t c = 0; c < d; ++c)
        head.transposed_keys[static_cast<size_t>(c * keys + j)] = key[c];
      head.values[static_cast<size_t>(j)] = (inside ? row_at(v, x, y, n) : pad_v) + h * d;
    }
    const float* mask_rows = mask(grid, row, column);
    const int64_t query_side = query_grid.side;
    for (int64_t i = 0; i < query_side * query_side; ++i) {
      const int64_t y = query_grid.line(row, i / query_side),
                    x = query_grid.column(column, i % query_side);
      if (y >= q->ne[2] || x >= q->ne[1]) continue;
      std::fill(head.scores.begin(), head.scores.end(), 0.0f);
      add_to(head.scores, b ? static_cast<const float*>(b->data) + (h * keys + i) * keys : nullptr);
      add_to(head.scores, mask_rows ? mask_rows + i * keys : nullptr);
      head.attend(row_at(q, x, y, n) + h * d,
                  static_cast<float*>(node->data) +
                      ((n * node->ne[2] + y) * node->ne[1] + x) * node->ne[0] + h * d);
    }
  }
}

ggml_tensor* window_attention(Graph& g, const WindowAttentionParams& params, ggml_tensor* q,
                              ggml_tensor* k, ggml_tensor* v, ggml_tensor* pad_k,
                              ggml_tensor* pad_v, ggml_tensor* bias) {
  GGML_ASSERT(q->ne[0] == k->ne[0] && k->ne[0] == v->ne[0] && k->ne[0] % params.heads == 0);
  const WindowGrid grid(k->ne[2], k->ne[1], params.window, params.shift);
  const WindowGrid query_grid(q->ne[2], q->ne[1], params.query_window, params.shift);
  GGML_ASSERT(query_grid.rows == grid.rows && query_grid.columns == grid.columns);
  GGML_ASSERT((params.shift == 0 && !bias) || params.query_window == params.window);
  GGML_ASSERT(params.shift >= 0 && params.shift < params.window);
  GGML_ASSERT(!bias || ggml_is_contiguous(bias));
  const Shape shape = {q->ne[3], q->ne[2], q->ne[1], q->ne[0]};
  auto op = std::make_shared<WindowAttentionOp>(params, bias != nullptr);
  return bias ? custom(g, op, shape, {q, k, v, pad_k, pad_v, bias})
              : custom(g, op, shape, {q, k, v, pad_k, pad_v});
}

}  // namespace alref::compute
