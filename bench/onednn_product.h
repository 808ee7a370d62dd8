// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

namespace alref::bench {

/// oneDNN's own product [rows, in] x [in, out] on its own threads: weights packed beforehand, bf16
/// in and f32 out, or all f32. What networks and operators are measured against.
class OnednnProduct {
 public:
  OnednnProduct(int64_t rows, int64_t out, int64_t in, bool bf16);
  void run();
  /// GFLOPS, the best of so many runs after one.
  double rate(int runs);

 private:
  double gflop_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul product_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace alref::bench
