// SPDX-License-Identifier: Apache-2.0
#include "onednn_product.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "compute/onednn/used_threads.h"

namespace alref::bench {

OnednnProduct::OnednnProduct(int64_t rows, int64_t out, int64_t in, bool bf16, int threads)
    : threads_(threads), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
  using dnnl::memory;
  const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  const memory::desc a({rows, in}, type, memory::format_tag::ab);
  const memory::desc b({in, out}, type, memory::format_tag::any);
  const memory::desc r({rows, out}, memory::data_type::f32, memory::format_tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc description(engine_, a, b, r);
#else
  const dnnl::matmul::primitive_desc description({a, b, r}, engine_);
#endif
  product_ = dnnl::matmul(description);
  arguments_ = {{DNNL_ARG_SRC, memory(a, engine_)},
                {DNNL_ARG_WEIGHTS, memory(description.weights_desc(), engine_)},
                {DNNL_ARG_DST, memory(r, engine_)}};
  for (auto& [id, m] : arguments_)
    std::memset(m.get_data_handle(), 0x3c, m.get_desc().get_size());  // small, not denormal
}

void OnednnProduct::run() {
  const compute::onednn::UsedThreads threads(threads_);
  product_.execute(stream_, arguments_);
  stream_.wait();
}

double onednn_limit(bool bf16, int threads, int runs, const Stopwatch& stopwatch) {
  OnednnProduct product(kLimitRows, kLimitSide, kLimitSide, bf16, threads);
  product.run();
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < runs; ++i) best = std::min(best, stopwatch.seconds([&] { product.run(); }));
  return 2e-9 * static_cast<double>(kLimitRows * kLimitSide * kLimitSide) / best;
}

}  // namespace alref::bench
