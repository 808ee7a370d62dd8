// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <ggml.h>
#include <unistd.h>

#include "compute/onednn/engine.h"

namespace alref::compute::onednn {

/// Elements from one row of a block to the next: whole cache lines, and no multiple of 1 KiB, so
/// that a block's rows do not all fall into the same few sets of the first-level cache.
inline int64_t block_stride(const kernels::BlockKernels& kernels, int64_t k) {
  size_t bytes = (static_cast<size_t>(kernels.padded(k)) * kernels.element_bytes + 63) / 64 * 64;
  if (bytes % 1024 == 0) bytes += 64;
  return static_cast<int64_t>(bytes / kernels.element_bytes);
}

/// Rows of `stride` elements that fill about half of the second-level cache.
inline int64_t block_rows(const kernels::BlockKernels& kernels, int64_t stride) {
  static const int64_t cache =
      std::clamp<int64_t>(sysconf(_SC_LEVEL2_CACHE_SIZE), int64_t{1} << 20, int64_t{4} << 20);
  const int64_t multiples =
      cache / 2 / (stride * static_cast<int64_t>(kernels.element_bytes)) / kernels.row_multiple;
  return std::clamp<int64_t>(multiples, 2, 240 / kernels.row_multiple) * kernels.row_multiple;
}

/// m rows shared out in blocks of nearly the same number of tiles: `wanted` blocks, or more where
/// they would have more than `most` rows.
struct RowBlocks {
  RowBlocks(const kernels::BlockKernels& kernels, int64_t rows, int64_t most, int64_t threads,
            int64_t wanted)
      : m(rows), tile(kernels.row_multiple), tiles((m + tile - 1) / tile) {
    count = std::max(std::min(wanted, tiles), (m + most - 1) / most);
    if (count > wanted) count = std::min(tiles, (count + threads - 1) / threads * threads);
  }
  int64_t most() const { return tile * ((tiles + count - 1) / count); }
  int64_t begin(int64_t i) const { return std::min(m, tile * (tiles * i / count)); }

  int64_t m, tile, tiles, count;
};

/// How rows of an activation are read: f32, or Element already (narrowing.h).
inline const kernels::OperandKernels& reading(const kernels::BlockKernels& kernels,
                                              const ggml_tensor* rows) {
  return rows->type == GGML_TYPE_F32 ? kernels.from_f32 : kernels.from_elements;
}

/// Whether results are better stored past the caches: they do not fit, and may be.
inline bool may_stream(int64_t m, int64_t n, int64_t k, const float* c, int64_t c_stride,
                       const kernels::Epilogue& epilogue) {
  // Up to here they are read again from the last cache, of which others have their share, too.
  static const int64_t kept =
      std::clamp<int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE) / 4 / static_cast<int64_t>(sizeof(float)),
                          kLargeResult, 4 * kLargeResult);
  // Short sums that nothing follows go straight from AMX's tiles to memory: that is bound by memory
  // either way, and the way through the caches is the wider one while they hold the results.
  constexpr int64_t kShort = 96;
  return m * n >= (epilogue.plain() && k <= kShort ? 2 * kept : kept) && n % 16 == 0 &&
         c_stride % 16 == 0 && reinterpret_cast<uintptr_t>(c) % 64 == 0;
}

/// What happens to whole rows of sums before they leave the caches: one norm after the other, then
/// a rotary encoding (compute/ops/rope_op.h).
struct RowsAfter {
  struct Rope {
    const float* table;  ///< [width + height, half]: all columns, then all lines
    int64_t width, height, half;
    int64_t tokens, rotated;  ///< of each batch entry's rows
  };
  std::vector<kernels::RowNorm> norms;
  std::optional<Rope> rope;

  bool empty() const { return norms.empty() && !rope; }
};

/// Rows [first, first + count) of sums [count, n], contiguous, through what comes after into c, or
/// as elements of `kernels`, where `elements` is not null: past the caches if `stream` says so.
/// Then n is a multiple of 32, and there are no norms. The sums are lost.
void finish_rows(const Engine& engine, const kernels::BlockKernels& kernels, const RowsAfter& after,
                 float* sums, int64_t first, int64_t count, int64_t n, float* c,
                 std::byte* elements, bool stream);

/// c [m, n] = rows [m, k] times `packed` [k, n], on all threads. `gather(row, count, block,
/// stride)` writes rows as elements of `kernels`, in the cache right before they are multiplied.
/// Where the epilogue stores elements, n apart, nothing is written to c. Rows go through what comes
/// `after` before they leave the cache; c_stride is n then. `straight`: the rows themselves, where
/// they are elements already, k apart, that a product can read as they are; null otherwise.
template <typename Gather>
void multiply(Engine& engine, const kernels::BlockKernels& kernels, int64_t m, int64_t k, int64_t n,
              const void* packed, float* c, int64_t c_stride, const kernels::Epilogue& epilogue,
              const Gather& gather, const RowsAfter& after = {},
              const std::byte* straight = nullptr) {
  // Below this many multiplications, waking the other threads takes longer than the work.
  constexpr int64_t kWorthSharing = 1 << 17;

  const kernels::Panels panels(n);
  const int64_t stride = block_stride(kernels, k);
  const auto element_bytes = static_cast<int64_t>(kernels.element_bytes);
  // Rows that are not stored as they leave the product wait in scratch memory: sums for their
  // norms, and elements, of which a product stores less than a cache line at a time.
  const bool past_caches = epilogue.elements && m * n >= kLargeResult;
  const int64_t staged_bytes = !after.empty() ? n * static_cast<int64_t>(sizeof(float))
                               : past_caches  ? n * element_bytes
                                              : 0;
  const bool share = engine.threads() > 1 && m * n * k >= kWorthSharing;
  const int64_t wanted = share ? 2 * engine.threads() : 1;
  const RowBlocks blocks(kernels, m, block_rows(kernels, stride + staged_bytes / element_bytes),
                         share ? engine.threads() : 1, wanted);
  // Columns are shared too where there are too few rows to go round.
  const int64_t parts = share && staged_bytes == 0 && blocks.count < engine.threads()
                            ? std::min(panels.count(), (wanted + blocks.count - 1) / blocks.count)
                            : 1;
  kernels::Epilogue stored = epilogue;
  stored.stream = may_stream(m, n, k, c, c_stride, epilogue) && !epilogue.accumulate &&
                  !epilogue.elements && after.empty();

  // The zeros that follow a converted part of a row may reach beyond the last row.
  const size_t block_bytes =
      static_cast<size_t>(blocks.most() * stride + 32) * kernels.element_bytes;
  const auto parts_of = [&](Carver carver) {
    std::byte* block = carver.take(block_bytes);
    std::byte* staged = carver.take(static_cast<size_t>(blocks.most() * staged_bytes));
    return std::tuple(block, staged, carver.used());
  };
  engine.reserve_thread_scratch(std::get<2>(parts_of(Carver())));
  const auto work = [&](int64_t item, int thread) {
    const int64_t part = item % parts, row = blocks.begin(item / parts),
                  count = blocks.begin(item / parts + 1) - row;
    const auto [block, staged, bytes] = parts_of(Carver(engine.thread_scratch(thread)));
    // A product reads rows up to the next multiple of 16.
    const bool gathers = !straight || row + (count + 15) / 16 * 16 > m;
    if (gathers) gather(row, count, block, stride);
    const std::byte* a = gathers ? block : straight + row * k * element_bytes;
    kernels::Epilogue e = stored;
    if (e.residual) e.residual += row * e.residual_stride;
    std::byte* elements = static_cast<std::byte*>(e.elements);
    if (elements) elements += row * e.elements_stride * element_bytes;
    e.elements = !after.empty() ? nullptr : past_caches ? staged : elements;
    auto* sums = reinterpret_cast<float*>(staged);
    kernels.product(a, gathers ? stride : k, count, packed, k, n, panels.count() * part / parts,
                    panels.count() * (part + 1) / parts, after.empty() ? c + row * c_stride : sums,
                    after.empty() ? c_stride : n, e, nullptr);
    if (!after.empty()) {
      finish_rows(engine, kernels, after, sums, row, count, n, c + row * n, elements, past_caches);
    } else if (past_caches) {
      engine.rows()->stream(staged, elements, static_cast<size_t>(count * n * element_bytes));
    }
  };
  if (share) {
    engine.parallel(blocks.count * parts, work);
  } else {
    for (int64_t i = 0; i < blocks.count * parts; ++i) work(i, 0);
  }
}

}  // namespace alref::compute::onednn
