// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "compute/onednn/engine.h"
#include "compute/ops/attention_op.h"
#include "compute/ops/window_attention_op.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {

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
    fill(row_at(q, first, task / heads) + task % heads * d, q, count, rows);
  }
  void key_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(row_at(k, first, task / heads) + task % heads * d, k, count, rows);
  }
  void value_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    fill(row_at(v, first, task / heads) + task % heads * dv, v, count, rows);
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
      s.bias = row_at(bias, query, task % heads) + first_key;
      s.bias_stride = static_cast<std::ptrdiff_t>(bias->nb[1] / sizeof(float));
    }
    if (mask) {
      s.mask = row_at(mask, query, task / heads % mask->ne[2]) + first_key;
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
  WindowRows(const WindowAttentionOp& window_attention, ggml_tensor* node)
      : op(window_attention),
        q(node->src[0]),
        k(node->src[1]),
        v(node->src[2]),
        bias(op.bias(node)),
        pad_k(static_cast<const float*>(node->src[3]->data)),
        pad_v(static_cast<const float*>(node->src[4]->data)),
        out(node),
        heads(op.params().heads),
        grid(k->ne[2], k->ne[1], op.params().window, op.params().shift),
        query_grid(q->ne[2], q->ne[1], op.params().query_window, op.params().shift),
        whole(bias || grid.shift > 0),
        d(k->ne[0] / heads),
        dv(d),
        keys(grid.side * grid.side),
        most_queries(query_grid.side * query_grid.side),
        tasks(k->ne[3] * grid.count() * heads),
        scale(1 / std::sqrt(static_cast<float>(d))) {}

  struct Place {
    int64_t n, row, column, head;
  };
  Place place(int64_t task) const {
    const int64_t window = task / heads % grid.count();
    return {task / heads / grid.count(), window / grid.columns, window % grid.columns,
            task % heads};
  }
  int64_t query_width(const Place& p) const {
    return whole ? query_grid.side
                 : std::min(query_grid.side, q->ne[1] - p.column * query_grid.side);
  }
  int64_t queries(int64_t task) const {
    const Place p = place(task);
    return whole ? most_queries
                 : query_width(p) * std::min(query_grid.side, q->ne[2] - p.row * query_grid.side);
  }
  void query_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    const Place p = place(task);
    fill(q, pad_k + p.head * d, p, query_grid, query_width(p), first, count, rows);
  }
  void key_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    const Place p = place(task);
    fill(k, pad_k + p.head * d, p, grid, grid.side, first, count, rows);
  }
  void value_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    const Place p = place(task);
    fill(v, pad_v + p.head * d, p, grid, grid.side, first, count, rows);
  }
  /// Null for a query beyond the map.
  void result_rows(int64_t task, int64_t first, int64_t count, const float** rows) const {
    const Place p = place(task);
    fill(out, nullptr, p, query_grid, query_width(p), first, count, rows);
  }
  float* result(int64_t, int64_t) const { return nullptr; }  // not one after the other
  /// Pixels of a window, `width` of each of its lines; `pad` beyond the map.
  void fill(const ggml_tensor* t, const float* pad, const Place& p, const WindowGrid& windows,
            int64_t width, int64_t first, int64_t count, const float** rows) const {
    int64_t i = first / width, j = first % width;
    for (int64_t row = 0; row < count; ++row) {
      const int64_t y = windows.line(p.row, i), x = windows.column(p.column, j);
      rows[row] = y < t->ne[2] && x < t->ne[1] ? row_at(t, x, y, p.n) + p.head * d : pad;
      if (++j == width) {
        j = 0;
        ++i;
      }
    }
  }
  void add(kernels::SoftmaxBlock& s, int64_t task, int64_t query, int64_t first_key) const {
    if (!whole) return;
    const Place p = place(task);
    if (bias) {
      s.bias = static_cast<const float*>(bias->data) + (p.head * keys + query) * keys + first_key;
      s.bias_stride = keys;
    }
    if (const float* mask = op.mask(grid, p.row, p.column)) {
      s.mask = mask + query * keys + first_key;
      s.mask_stride = keys;
    }
  }

  const WindowAttentionOp& op;
  const ggml_tensor *q, *k, *v, *bias;
  const float *pad_k, *pad_v;
  ggml_tensor* out;
  int64_t heads;
  WindowGrid grid, query_grid;
  /// Queries are all places of a window, those beyond the map, too: bias and mask have a row for
  /// each.
  bool whole;
  int64_t d, dv, keys, most_queries, tasks;
  static constexpr int64_t result_stride = 0;
  float scale;
  static constexpr bool stream = false;
};

}  // namespace alref::compute::onednn
