// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/window_attention_op.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace alref::compute {
namespace {

const float* pixel(const ggml_tensor* map, int64_t n, int64_t row, int64_t column) {
  return reinterpret_cast<const float*>(
      static_cast<const char*>(map->data) + static_cast<size_t>(column) * map->nb[1] +
      static_cast<size_t>(row) * map->nb[2] + static_cast<size_t>(n) * map->nb[3]);
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

void softmax(float* scores, int64_t n) {
  const float top = *std::max_element(scores, scores + n);
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += scores[i] = std::exp(scores[i] - top);
  const float scale = 1 / sum;
  for (int64_t i = 0; i < n; ++i) scores[i] *= scale;
}

}  // namespace

void WindowAttentionOp::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2];
  const float *pad_k = static_cast<const float*>(node->src[3]->data),
              *pad_v = static_cast<const float*>(node->src[4]->data);
  const int64_t side = params_.window, keys = side * side, d = k->ne[0] / params_.heads;
  const int64_t rows = divide_up(k->ne[2], side), columns = divide_up(k->ne[1], side);
  const float scale = 1 / std::sqrt(static_cast<float>(d));

  std::vector<float> kt(static_cast<size_t>(d * keys)), scores(static_cast<size_t>(keys));
  std::vector<const float*> values(static_cast<size_t>(keys));
  const Range mine = share(k->ne[3] * rows * columns * params_.heads, part, parts);
  for (int64_t item = mine.begin; item < mine.end; ++item) {
    const int64_t head = item % params_.heads, at = item / params_.heads;
    const int64_t n = at / (rows * columns), window_y = at / columns % rows,
                  window_x = at % columns;
    for (int64_t j = 0; j < keys; ++j) {
      const int64_t y = window_y * side + j / side, x = window_x * side + j % side;
      const bool inside = y < k->ne[2] && x < k->ne[1];
      const float* key = (inside ? pixel(k, n, y, x) : pad_k) + head * d;
      for (int64_t c = 0; c < d; ++c) kt[static_cast<size_t>(c * keys + j)] = key[c] * scale;
      values[static_cast<size_t>(j)] = (inside ? pixel(v, n, y, x) : pad_v) + head * d;
    }
    const int64_t y_end = std::min((window_y + 1) * params_.query_window, q->ne[2]);
    const int64_t x_end = std::min((window_x + 1) * params_.query_window, q->ne[1]);
    for (int64_t y = window_y * params_.query_window; y < y_end; ++y) {
      for (int64_t x = window_x * params_.query_window; x < x_end; ++x) {
        const float* query = pixel(q, n, y, x) + head * d;
        std::fill(scores.begin(), scores.end(), 0.0f);
        for (int64_t c = 0; c < d; ++c) {
          const float factor = query[c];
          const float* key = kt.data() + c * keys;
          for (int64_t j = 0; j < keys; ++j) scores[static_cast<size_t>(j)] += factor * key[j];
        }
        softmax(scores.data(), keys);
        float* out = static_cast<float*>(node->data) +
                     ((n * node->ne[2] + y) * node->ne[1] + x) * node->ne[0] + head * d;
        std::fill_n(out, d, 0.0f);
        for (int64_t j = 0; j < keys; ++j) {
          const float weight = scores[static_cast<size_t>(j)];
          const float* value = values[static_cast<size_t>(j)];
          for (int64_t c = 0; c < d; ++c) out[c] += weight * value[c];
        }
      }
    }
  }
}

ggml_tensor* window_attention(Graph& g, const WindowAttentionParams& params, ggml_tensor* q,
                              ggml_tensor* k, ggml_tensor* v, ggml_tensor* pad_k,
                              ggml_tensor* pad_v) {
  GGML_ASSERT(q->ne[0] == k->ne[0] && k->ne[0] == v->ne[0] && k->ne[0] % params.heads == 0);
  GGML_ASSERT(divide_up(q->ne[2], params.query_window) == divide_up(k->ne[2], params.window));
  GGML_ASSERT(divide_up(q->ne[1], params.query_window) == divide_up(k->ne[1], params.window));
  return custom(g, std::make_shared<WindowAttentionOp>(params),
                {q->ne[3], q->ne[2], q->ne[1], q->ne[0]}, {q, k, v, pad_k, pad_v});
}

}  // namespace alref::compute
