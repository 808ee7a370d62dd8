// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "compute/kernels/kernels.h"
#include "compute/ops/attention_op.h"
#include "compute/ops/window_attention_op.h"

namespace alref::compute::onednn {

/// Results from here on do not fit the caches of most processors: 4 MiB.
constexpr int64_t kLargeResult = 1 << 20;

inline const float* row_at(const ggml_tensor* t, int64_t offset, int64_t i1, int64_t i2,
                           int64_t i3 = 0) {
  return reinterpret_cast<const float*>(
             static_cast<const char*>(t->data) + static_cast<size_t>(i1) * t->nb[1] +
             static_cast<size_t>(i2) * t->nb[2] + static_cast<size_t>(i3) * t->nb[3]) +
         offset;
}

/// The rows of AttentionOp: a task is one head of one batch entry.
struct BatchRows {
  BatchRows(const AttentionOp& op, ggml_tensor* node)
      : q(node->src[0]),
        k(node->src[1]),
        v(node->src[2]),
        bias(op.bias(node)),
        mask(op.mask(node)),
        out(node),
        heads(op.heads()),
        d(q->ne[0] / heads),
        dv(v->ne[0] / heads),
        keys(k->ne[1]),
        most_queries(q->ne[1]),
        tasks(q->ne[2] * heads),
        result_stride(node->ne[0]),
        scale(op.scale()),
        stream(ggml_nelements(node) >= kLargeResult && dv % 16 == 0 &&
               reinterpret_cast<uintptr_t>(node->data) % 64 == 0) {}

  void query_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(row_at(q, task % heads * d, first, task / heads), q, count, rows);
  }
  void key_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(row_at(k, task % heads * d, first, task / heads), k, count, rows);
  }
  void value_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(row_at(v, task % heads * dv, first, task / heads), v, count, rows);
  }
  float* result(int64_t task, int64_t query) const {
    return static_cast<float*>(out->data) + (task / heads * most_queries + query) * result_stride +
           task % heads * dv;
  }
  void result_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(result(task, first), out, count, rows);
  }
  static void fill(const float* row, const ggml_tensor* t, int64_t count, const float** rows) {
    for (int64_t i = 0; i < count; ++i, row += t->nb[1] / sizeof(float)) rows[i] = row;
  }
  int64_t queries(int64_t) const { return most_queries; }
  void add(kernels::SoftmaxBlock& s, int64_t task, int64_t query, int64_t first_key) const {
    if (bias) {
      s.bias = row_at(bias, first_key, query, task % heads);
      s.bias_stride = static_cast<std::ptrdiff_t>(bias->nb[1] / sizeof(float));
    }
    if (mask) {
      s.mask = row_at(mask, first_key, query, task / heads % mask->ne[2]);
      s.mask_stride = static_cast<std::ptrdiff_t>(mask->nb[1] / sizeof(float));
    }
  }

  const ggml_tensor *q, *k, *v, *bias, *mask;
  ggml_tensor* out;
  int64_t heads, d, dv, keys, most_queries, tasks;
  int64_t
      result_stride;  // from one query's result to the next; 0 where they do not follow each other
  float scale;
  bool stream;
};

/// The rows of WindowAttentionOp: a task is one head of one window.
struct WindowRows {
  WindowRows(const WindowAttentionOp& op, ggml_tensor* node)
      : q(node->src[0]),
        k(node->src[1]),
        v(node->src[2]),
        pad_k(static_cast<const float*>(node->src[3]->data)),
        pad_v(static_cast<const float*>(node->src[4]->data)),
        out(node),
        heads(op.params().heads),
        side(op.params().window),
        query_side(op.params().query_window),
        columns((k->ne[1] + side - 1) / side),
        windows(columns * ((k->ne[2] + side - 1) / side)),
        d(k->ne[0] / heads),
        dv(d),
        keys(side * side),
        most_queries(query_side * query_side),
        tasks(k->ne[3] * windows * heads),
        scale(1 / std::sqrt(static_cast<float>(d))) {}

  struct Place {
    int64_t n, y, x, offset;
  };
  Place place(int64_t task) const {
    const int64_t window = task / heads % windows;
    return {task / heads / windows, window / columns, window % columns, task % heads * d};
  }
  int64_t query_width(const Place& p) const {
    return std::min(query_side, q->ne[1] - p.x * query_side);
  }
  int64_t queries(int64_t task) const {
    const Place p = place(task);
    return query_width(p) * std::min(query_side, q->ne[2] - p.y * query_side);
  }
  void query_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    const Place p = place(task);
    fill(q, nullptr, p, query_side, query_width(p), first, count, rows);
  }
  void key_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(k, pad_k, place(task), side, side, first, count, rows);
  }
  void value_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(v, pad_v, place(task), side, side, first, count, rows);
  }
  void result_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    const Place p = place(task);
    fill(out, nullptr, p, query_side, query_width(p), first, count, rows);
  }
  float* result(int64_t, int64_t) const { return nullptr; }  // not one after the other
  /// Pixels of a window, `width` of each of its lines; `pad` beyond the map.
  static void fill(const ggml_tensor* t, const float* pad, const Place& p, int64_t window,
                   int64_t width, int64_t first, int64_t count, const float** rows) {
    int64_t y = p.y * window + first / width, x = first % width;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t column = p.x * window + x;
      rows[i] =
          y < t->ne[2] && column < t->ne[1] ? row_at(t, p.offset, column, y, p.n) : pad + p.offset;
      if (++x == width) {
        x = 0;
        ++y;
      }
    }
  }
  void add(kernels::SoftmaxBlock&, int64_t, int64_t, int64_t) const {}

  const ggml_tensor *q, *k, *v;
  const float *pad_k, *pad_v;
  ggml_tensor* out;
  int64_t heads, side, query_side, columns, windows, d, dv, keys, most_queries, tasks;
  static constexpr int64_t result_stride = 0;
  float scale;
  static constexpr bool stream = false;
};

}  // namespace alref::compute::onednn
