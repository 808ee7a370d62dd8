// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#else
#include <thread>
#endif

#include "compute/kernels/kernels.h"
#include "compute/onednn/fence.h"
#include "core/pages.h"

namespace alref::compute::onednn {

/// Results of so many values do not fit the caches of most processors: 4 MiB.
constexpr int64_t kLargeResult = 1 << 20;

/// Memory on a cache line that only grows; its old content is lost then.
class Scratch {
 public:
  /// True where it had to grow.
  bool reserve(size_t bytes) {
    const bool grows = bytes > size_;
    if (grows) {
      size_ = (bytes + 4095) / 4096 * 4096;
      data_.reset();
      data_.reset(static_cast<std::byte*>(::operator new(size_, std::align_val_t(kAlignment))));
      prefer_large_pages(data_.get(), size_);
    }
    open_memory(data_.get(), bytes);
    fence_memory(data_.get() + bytes, size_ - bytes);
    return grows;
  }
  std::byte* data() const { return data_.get(); }

 private:
  static constexpr size_t kAlignment = 4096;
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t(kAlignment)); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

/// Hands out aligned parts of one block of scratch memory, or, without a block, just adds their
/// sizes up.
class Carver {
 public:
  explicit Carver(std::byte* begin = nullptr) : begin_(begin) {}

  template <typename T = std::byte>
  T* take(size_t count) {
    const size_t begin = used_, bytes = count * sizeof(T);
    used_ += (bytes + 63) / 64 * 64 + kFence;
    std::byte* at = begin_ ? begin_ + begin : nullptr;
    if (at) {
      open_memory(at, bytes);
      fence_memory(at + bytes, used_ - begin - bytes);
    }
    return reinterpret_cast<T*>(at);
  }
  size_t used() const { return used_; }

 private:
  std::byte* begin_;
  size_t used_ = 0;
};

/// What the operators of one backend share: threads, scratch memory, kernels. Used by one thread at
/// a time.
class Engine {
 public:
  /// `own_kernels` false: as on a processor without AVX-512; `amx` false: as on one without AMX.
  Engine(int threads, bool bf16, bool own_kernels, bool amx)
      : threads_(threads),
        f32_(own_kernels ? kernels::block_kernels(kernels::Element::kF32) : nullptr),
        fast_(own_kernels && bf16 ? kernels::block_kernels(kernels::Element::kBf16, amx) : nullptr),
        rows_(own_kernels ? kernels::row_kernels() : nullptr),
        thread_scratch_(static_cast<size_t>(threads)) {
    if (!fast_) fast_ = f32_;
  }

  int threads() const { return threads_; }
  /// Null where the processor has no AVX-512.
  const kernels::BlockKernels* f32() const { return f32_; }
  /// For products at the precision that was asked for.
  const kernels::BlockKernels* fast() const { return fast_; }
  const kernels::RowKernels* rows() const { return rows_; }

  /// body(item, thread) for all items, in any order and on up to threads() threads.
  template <typename Body>
  void parallel(int64_t items, const Body& body) {
    const int n = static_cast<int>(std::min<int64_t>(threads_, items));
    if (n <= 1) {
      for (int64_t i = 0; i < items; ++i) body(i, 0);
      return;
    }
#ifdef _OPENMP
#pragma omp parallel num_threads(n)
    {
      const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
      for (int64_t i = 0; i < items; ++i) body(i, thread);
    }
#else
    std::atomic<int64_t> next{0};
    const auto work = [&](int thread) {
      for (int64_t i = next++; i < items; i = next++) body(i, thread);
    };
    std::vector<std::jthread> others;
    for (int t = 1; t < n; ++t) others.emplace_back(work, t);
    work(0);
#endif
  }

  /// Makes `bytes` of scratch for every thread; call it before parallel(), thread_scratch() inside.
  void reserve_thread_scratch(size_t bytes) {
    for (Scratch& scratch : thread_scratch_) preparations_ += scratch.reserve(bytes);
  }
  std::byte* thread_scratch(int thread) const {
    return thread_scratch_[static_cast<size_t>(thread)].data();
  }
  /// Scratch that all threads see; one operator's at a time.
  std::byte* shared_scratch(size_t bytes) {
    preparations_ += shared_scratch_.reserve(bytes);
    return shared_scratch_.data();
  }

  /// How often something was made that later runs find ready: packed weights, primitives, scratch
  /// memory.
  int64_t preparations() const { return preparations_; }
  void count_preparation() { ++preparations_; }

 private:
  int threads_;
  const kernels::BlockKernels* f32_;
  const kernels::BlockKernels* fast_;
  const kernels::RowKernels* rows_;
  std::vector<Scratch> thread_scratch_;
  Scratch shared_scratch_;
  int64_t preparations_ = 0;
};

}  // namespace alref::compute::onednn
