// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <memory>
#include <string>
#include <vector>

#include <ggml-backend.h>

namespace alref::compute {

class Graph;

/// Where graphs run: a GPU where one was asked for, then our oneDNN backend, then ggml's CPU
/// backend. ggml's scheduler gives each node to the first of them that can run it. One device runs
/// one graph at a time; it must outlive its graphs and weights.
class Device {
 public:
  /// To compare with, `options.name` may also be "avx512-cpu" (our backend without AMX),
  /// "onednn-cpu" (without its AVX-512 kernels either, as on other processors) or "ggml-cpu"
  /// (ggml's CPU backend without ours). Throws Error(kUnavailable) where no such device is compiled
  /// in or present (what() names those that are), Error(kInvalidArgument) for a negative number of
  /// threads.
  explicit Device(const DeviceOptions& options = {});
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  int threads() const { return threads_; }
  /// kF32 or kBf16: what kAuto came to on this machine.
  Precision precision() const { return precision_; }
  /// Whether weights and activations live in memory that the host can address.
  bool is_host() const;
  /// Where weights and constants are kept.
  ggml_backend_buffer_type_t buffer_type() const;
  /// Memory for activations that the scheduler holds now, in bytes.
  size_t scratch_bytes() const;

  /// How often something was made that later runs find ready (packed weights, primitives, scratch
  /// memory of the CPU's operators): stands still once every graph has run.
  int64_t preparations() const;
  /// To be called before the memory of weights is freed: what was made of them is dropped.
  void forget_weights(const void* begin, size_t bytes);

  /// Names of the devices that this build finds on this machine, "cpu" first.
  static std::vector<std::string> available();

 private:
  friend class Graph;

  struct BackendDeleter {
    void operator()(ggml_backend_t backend) const { ggml_backend_free(backend); }
  };
  struct SchedulerDeleter {
    void operator()(ggml_backend_sched_t scheduler) const { ggml_backend_sched_free(scheduler); }
  };

  int threads_;
  Precision precision_;
  std::vector<std::unique_ptr<ggml_backend, BackendDeleter>> backends_;  // in the scheduler's order
  ggml_backend_t onednn_ = nullptr;  // one of them, null where not compiled in or not wanted
  std::unique_ptr<ggml_backend_sched, SchedulerDeleter> scheduler_;
  Graph* allocated_ = nullptr;  // the graph whose tensors the scratch memory holds now
};

}  // namespace alref::compute
