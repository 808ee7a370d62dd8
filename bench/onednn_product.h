// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include "stopwatch.h"

namespace alref::bench {

/// oneDNN's own product [rows, in] x [in, out]: weights packed beforehand, bf16 in and f32 out, or
/// all f32. What networks and operators are measured against.
class OnednnProduct {
 public:
  OnednnProduct(int64_t rows, int64_t out, int64_t in, bool bf16, int threads);
  void run();

 private:
  int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul product_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

/// The product that networks and attention are held to: [kLimitRows, kLimitSide] x [kLimitSide,
/// kLimitSide].
inline constexpr int64_t kLimitRows = 4096, kLimitSide = 1024;
/// GFLOPS of oneDNN's, the best of so many runs after one.
double onednn_limit(bool bf16, int threads, int runs, const Stopwatch& stopwatch);

}  // namespace alref::bench
