// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace alref::compute::onednn {

/// So many threads for oneDNN as long as it lives: oneDNN uses as many as OpenMP would by default
/// on the calling thread.
class UsedThreads {
 public:
#ifdef _OPENMP
  explicit UsedThreads(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~UsedThreads() { omp_set_num_threads(before_); }
  UsedThreads(const UsedThreads&) = delete;
  UsedThreads& operator=(const UsedThreads&) = delete;

 private:
  int before_;
#else
  explicit UsedThreads(int) {}
#endif
};

}  // namespace alref::compute::onednn
