// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include <ggml-impl.h>
#include <ggml.h>

namespace alref::compute::onednn {

/// What a backend can do with tensors of bf16 where the graph says f32.
struct NarrowingRules {
  /// Whether the node can be stored as bf16.
  std::function<bool(int node)> stores;
  /// Whether the node rounds its argument `slot` to bf16 in any case, and reads it as bf16, too.
  std::function<bool(const ggml_tensor* node, int slot)> reads;
};

/// Makes bf16 of results that all of their readers round to bf16 anyway: the same numbers in half
/// the memory, rounded once and not by each reader. Views of them change with them. To be called
/// before the graph has memory.
void narrow(ggml_cgraph* graph, const NarrowingRules& rules);

}  // namespace alref::compute::onednn
