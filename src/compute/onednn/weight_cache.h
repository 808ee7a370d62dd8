// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <tuple>

#include <ggml.h>

#include "compute/onednn/engine.h"

namespace alref::compute::onednn {

/// Weights in the layout that products want, made when first used. An entry lives until `forget`
/// names its memory.
class WeightCache {
 public:
  /// A matrix [out, in] (its innermost dimension is in), of any type that ggml converts to f32.
  /// Slices of the outer two dimensions follow each other, `slice_bytes` apart.
  const std::byte* transposed(Engine& engine, const kernels::BlockKernels& kernels,
                              const ggml_tensor* weight);
  /// Columns [begin, begin + columns) of a contiguous f32 matrix [k, n].
  const std::byte* plain(Engine& engine, const kernels::BlockKernels& kernels,
                         const ggml_tensor* weight, int64_t k, int64_t n, int64_t begin,
                         int64_t columns);

  /// Drops what was made of weights in [begin, begin + bytes).
  void forget(const void* begin, size_t bytes);

 private:
  using Key =
      std::tuple<const void*, kernels::Element, bool, int64_t, int64_t, int64_t, size_t, int>;

  std::map<Key, Scratch> packed_;
};

/// Whether a tensor is (a part of) weights: constant, and worth packing.
bool is_weight(const ggml_tensor* tensor);

}  // namespace alref::compute::onednn
