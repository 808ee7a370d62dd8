// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "compute/onednn/engine.h"

namespace alref::compute::onednn {

/// Elements from one row of a block to the next: whole cache lines, and no multiple of 1 KiB, so that a block's rows
/// do not all fall into the same few sets of the first-level cache.
inline int64_t block_stride(const kernels::BlockKernels& kernels, int64_t k) {
  size_t bytes = (static_cast<size_t>(kernels.padded(k)) * kernels.element_bytes + 63) / 64 * 64;
  if (bytes % 1024 == 0) bytes += 64;
  return static_cast<int64_t>(bytes / kernels.element_bytes);
}

/// Rows whose elements fill about half of a second-level cache of 1 MiB.
inline int64_t block_rows(const kernels::BlockKernels& kernels, int64_t k) {
  const int64_t row_bytes = block_stride(kernels, k) * static_cast<int64_t>(kernels.element_bytes);
  const int64_t multiples = (int64_t{512} << 10) / row_bytes / kernels.row_multiple;
  return std::clamp<int64_t>(multiples, 2, 240 / kernels.row_multiple) * kernels.row_multiple;
}

/// c [m, n] = rows [m, k] times `packed` [k, n], on all threads. `gather(row, count, block, stride)` writes rows as elements of
/// `kernels`, in the cache right before they are multiplied.
template <typename Gather>
void multiply(Engine& engine, const kernels::BlockKernels& kernels, int64_t m, int64_t k, int64_t n,
              const void* packed, float* c, int64_t c_stride, const kernels::Epilogue& epilogue, const Gather& gather) {
  // Below this many multiplications, waking the other threads takes longer than the work.
  constexpr int64_t kWorthSharing = 1 << 17;
  // A result that does not fit the caches of most processors: 4 MiB.
  constexpr int64_t kTooLargeForCaches = 1 << 20;

  const kernels::Panels panels(n);
  const int64_t stride = block_stride(kernels, k);
  const bool share = engine.threads() > 1 && m * n * k >= kWorthSharing;
  // Rows are shared out in blocks of nearly the same number of tiles.
  const int64_t tile = kernels.row_multiple, tiles = (m + tile - 1) / tile, wanted = share ? 2 * engine.threads() : 1;
  int64_t blocks = std::max(std::min(wanted, tiles), (m + block_rows(kernels, k) - 1) / block_rows(kernels, k));
  if (share && blocks > wanted) blocks = std::min(tiles, (blocks + engine.threads() - 1) / engine.threads() * engine.threads());
  const int64_t rows = tile * ((tiles + blocks - 1) / blocks);  // at most
  // Columns are shared too where there are too few rows to go round.
  const int64_t parts = share && blocks < engine.threads() ? std::min(panels.count(), (wanted + blocks - 1) / blocks) : 1;
  kernels::Epilogue stored = epilogue;
  stored.stream = m * n >= kTooLargeForCaches && n % 16 == 0 && c_stride % 16 == 0 &&
                  reinterpret_cast<uintptr_t>(c) % 64 == 0 && !epilogue.accumulate;

  // The zeros that follow a converted part of a row may reach beyond the last row.
  engine.reserve_thread_scratch(static_cast<size_t>(rows * stride + 32) * kernels.element_bytes);
  const auto work = [&](int64_t item, int thread) {
    const int64_t block_index = item / parts, part = item % parts;
    const int64_t row = tile * (tiles * block_index / blocks);
    const int64_t count = std::min(m, tile * (tiles * (block_index + 1) / blocks)) - row;
    std::byte* block = engine.thread_scratch(thread);
    gather(row, count, block, stride);
    kernels::Epilogue e = stored;
    if (e.residual) e.residual += row * e.residual_stride;
    kernels.product(block, stride, count, packed, k, n, panels.count() * part / parts,
                    panels.count() * (part + 1) / parts, c + row * c_stride, c_stride, e, nullptr);
  };
  if (share) {
    engine.parallel(blocks * parts, work);
  } else {
    for (int64_t i = 0; i < blocks * parts; ++i) work(i, 0);
  }
}

}  // namespace alref::compute::onednn
