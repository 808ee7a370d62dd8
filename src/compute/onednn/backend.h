// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <ggml-backend.h>

namespace alref::compute::onednn {

struct BackendOptions {
  int threads = 1;
  Precision precision = Precision::kF32;  ///< kF32 or kBf16
  bool own_kernels =
      true;         ///< false: as on a processor without AVX-512, by oneDNN's primitives alone
  bool amx = true;  ///< false: as on a processor without AMX
};

/// A ggml backend for the CPU. It takes every node that ggml's own CPU backend takes, so that a
/// graph stays in one piece and patterns of nodes can be fused: what it knows (matrix products,
/// attention, convolutions, norms) it computes itself, and the rest it hands on to a CPU backend
/// that it owns. Free it with ggml_backend_free.
ggml_backend_t make_backend(const BackendOptions& options);

/// To be called before the memory of weights is freed: what was made of them is dropped.
void forget_weights(ggml_backend_t backend, const void* begin, size_t bytes);

/// How often something was made that later runs find ready: packed weights, primitives, scratch
/// memory. Stands still once every graph has run.
int64_t preparations(ggml_backend_t backend);

}  // namespace alref::compute::onednn
