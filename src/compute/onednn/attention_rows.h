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
        stream(node->type == GGML_TYPE_F32 && ggml_nelements(node) >= kLargeResult &&
               dv % 16 == 0 && reinterpret_cast<uintptr_t>(node->data) % 64 == 0) {}

  void query_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    fill(q, task, d, first, count, rows);
  }
  void key_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    fill(k, task, d, first, count, rows);
  }
  void value_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    fill(v, task, dv, first, count, rows);
  }
  void* result(int64_t task, int64_t query) const {
    const void* row = nullptr;
    fill(out, task, dv, query, 1, &row);
    return const_cast<void*>(row);
  }
  void result_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    fill(out, task, dv, first, count, rows);
  }
  void fill(const ggml_tensor* t, int64_t task, int64_t width, int64_t first, int64_t count,
            const void** rows) const {
    const std::byte* row = place_in(t, row_at(t, first, task / heads), task % heads * width);
    for (int64_t i = 0; i < count; ++i, row += t->nb[1]) rows[i] = row;
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
  WindowRows(const kernels::BlockKernels& kernels, const WindowAttentionOp& window_attention,
             ggml_tensor* node)
      : op(window_attention),
        q(node->src[0]),
        k(node->src[1]),
        v(node->src[2]),
        bias(op.bias(node)),
        pad_k(node->src[3]->data),
        pad_v(node->src[4]->data),
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
        scale(1 / std::sqrt(static_cast<float>(d))) {
    if (k->type != GGML_TYPE_F32) pad_k = padding[0].of(kernels, node->src[3]);
    if (v->type != GGML_TYPE_F32) pad_v = padding[1].of(kernels, node->src[4]);
  }

  WindowRows(const WindowRows&) = delete;  // pad_k and pad_v may show its own memory
  WindowRows& operator=(const WindowRows&) = delete;

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
  void query_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    const Place p = place(task);
    fill(q, q->data, p, query_grid, query_width(p), first, count, rows);
  }
  void key_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    const Place p = place(task);
    fill(k, place_in(k, pad_k, p.head * d), p, grid, grid.side, first, count, rows);
  }
  void value_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    const Place p = place(task);
    fill(v, place_in(v, pad_v, p.head * d), p, grid, grid.side, first, count, rows);
  }
  /// Null for a query beyond the map.
  void result_rows(int64_t task, int64_t first, int64_t count, const void** rows) const {
    const Place p = place(task);
    fill(out, nullptr, p, query_grid, query_width(p), first, count, rows);
  }
  void* result(int64_t, int64_t) const { return nullptr; }  // not one after the other
  /// Pixels of a window, `width` of each of its lines; `pad` beyond the map.
  void fill(const ggml_tensor* t, const void* pad, const Place& p, const WindowGrid& windows,
            int64_t width, int64_t first, int64_t count, const void** rows) const {
    int64_t j = first % width;
    for (int64_t i = first / width, row = 0; row < count; ++i, j = 0) {
      const int64_t y = windows.line(p.row, i), end = std::min(width, j + count - row);
      const std::byte* line = place_in(t, row_at(t, 0, y, p.n), p.head * d);
      const int64_t known = y < t->ne[2] ? t->ne[1] : 0;  // pixels of this line
      for (; j < end; ++j, ++row) {
        const int64_t x = windows.column(p.column, j);
        rows[row] = x < known ? line + static_cast<size_t>(x) * t->nb[1] : pad;
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
  /// A row of weights as elements, which keys and values are then.
  struct Padding {
    const void* of(const kernels::BlockKernels& kernels, const ggml_tensor* row) {
      const int64_t n = row->ne[0];
      elements.resize(static_cast<size_t>(kernels.padded((n + 15) / 16 * 16)) *
                      kernels.element_bytes);
      const void* values = row->data;
      kernels.from_f32.convert(&values, 1, n, elements.data(), 0);
      return elements.data();
    }
    std::vector<std::byte> elements;
  };

  const ggml_tensor *q, *k, *v, *bias;
  const void *pad_k, *pad_v;
  ggml_tensor* out;
  int64_t heads;
  Padding padding[2];
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
