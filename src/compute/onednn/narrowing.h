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
  /// The first of the nodes up to this one that are computed in one pass, so that only the last is
  /// ever stored: the others are narrowed with it, or each would have f32 memory of its own.
  std::function<int(int node)> begins;
};

/// Makes bf16 of results that all of their readers round to bf16: half the memory, rounded once and
/// not by each reader. The numbers stay the same but for a GELU at a product's end, which is taken
/// by gelu_for_bf16 then (kernels/vector_math.h), and for few queries of deformable attention,
/// which would read an f32 value unrounded. Views change with what they show. To be called before
/// the graph has memory.
void narrow(ggml_cgraph* graph, const NarrowingRules& rules);

}  // namespace alref::compute::onednn
