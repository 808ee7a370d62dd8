// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>

#include "compute/onednn/attention_rows.h"
#include "compute/onednn/product.h"

namespace alref::compute::onednn {

/// Packs a task's keys [first, first + keys) and their values. `pointers`: memory for one a key.
template <class Rows>
void pack_block(const kernels::BlockKernels& kernels, const Rows& rows, int64_t task, int64_t first,
                int64_t keys, std::byte* packed_keys, std::byte* packed_values,
                const void** pointers) {
  const kernels::Panels key_panels(keys), value_panels(rows.dv);
  rows.key_rows(task, first, keys, pointers);
  for (int64_t p = 0; p < key_panels.count(); ++p) {
    const int64_t column = 16 * key_panels.begin(p), width = key_panels.width(p);
    reading(kernels, rows.k)
        .pack_transposed(pointers + column, rows.d, std::min(keys - column, 16 * width), width,
                         packed_keys + static_cast<size_t>(column * kernels.padded(rows.d)) *
                                           kernels.element_bytes);
  }
  rows.value_rows(task, first, keys, pointers);
  for (int64_t p = 0; p < value_panels.count(); ++p) {
    const int64_t column = 16 * value_panels.begin(p), width = value_panels.width(p);
    reading(kernels, rows.v)
        .pack(pointers, column, keys, std::min(rows.dv - column, 16 * width), width,
              packed_values +
                  static_cast<size_t>(column * kernels.padded(keys)) * kernels.element_bytes);
  }
}

/// Small tasks wait for memory rather than compute. While the heads of one window (or batch entry)
/// are computed, the rows of the next are asked for, in the order in which they lie in memory: here
/// the share of this head's task. `pointers` and `ranges` are memory for one a key or query, and
/// one for each of both.
template <class Rows>
std::span<const kernels::MemoryRange> wanted_next(const Rows& rows, int64_t task, int64_t queries,
                                                  const void** pointers,
                                                  kernels::MemoryRange* ranges) {
  const int64_t heads = rows.heads, head = task % heads, next = task - head + heads;
  if (next >= rows.tasks) return {};
  size_t count = 0;
  const auto add = [&](const ggml_tensor* t, int64_t all, const auto& rows_of) {
    const int64_t begin = all * head / heads, some = all * (head + 1) / heads - begin;
    const size_t bytes = static_cast<size_t>(t->ne[0]) * t->nb[0];
    rows_of(begin, some);
    for (int64_t i = 0; i < some; ++i) {
      const auto* row = static_cast<const std::byte*>(pointers[i]);
      if (count > 0 && ranges[count - 1].end == row) {
        ranges[count - 1].end += bytes;
      } else {
        ranges[count++] = {row, row + bytes};
      }
    }
  };
  add(rows.k, rows.keys, [&](int64_t at, int64_t n) { rows.key_rows(next, at, n, pointers); });
  add(rows.v, rows.keys, [&](int64_t at, int64_t n) { rows.value_rows(next, at, n, pointers); });
  add(rows.q, std::min(queries, rows.queries(next)),
      [&](int64_t at, int64_t n) { rows.query_rows(next, at, n, pointers); });
  return {ranges, count};
}

inline void prefetch(std::span<const kernels::MemoryRange> ranges) {
  for (const kernels::MemoryRange& range : ranges) {
    for (const std::byte* at = range.begin; at < range.end; at += 64) __builtin_prefetch(at, 0, 2);
  }
}

}  // namespace alref::compute::onednn
