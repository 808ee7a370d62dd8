// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <ggml-impl.h>
#include <ggml.h>

#include "compute/onednn/matmul.h"

namespace alref::compute::onednn {

/// A pattern found at a node of a graph, and the first node after it.
template <typename Pattern>
struct Fused {
  Pattern pattern;
  int end;
};

/// The longest chain from the matrix product at node `i` that may be stored at once: only its last
/// node is used by others, and its memory overlaps no operand that is still read when the first
/// result is stored. Before the graph has memory (`allocated` false) the latter is left to
/// lifetimes_of_chain. Never nothing where the node is a product.
///
/// A layer norm or a sum of two like tensors at node `i` begins a chain, too, where nothing but a
/// product by weights reads it: the product computes it while it gathers its rows. Layer norms that
/// alone read a large product by weights end a chain while its rows are in the caches, and so does
/// a rotary encoding. `norms` false: products with bias, activation and residual only.
std::optional<Fused<Linear>> fuse_linear(const ggml_cgraph* graph, int i, bool allocated = true,
                                         bool norms = true);
/// Two such products with an activation between them, where what is between does not fit the
/// caches.
std::optional<Fused<Mlp>> fuse_mlp(const ggml_cgraph* graph, int i, bool allocated = true);
Fused<Norm> fuse_norm(const ggml_cgraph* graph, int i, bool allocated = true);

/// The sum of the node at `i` and another tensor of its shape right after it, where nothing else
/// reads the node and `x`, which is still read when the sum is stored, lies elsewhere; or null.
ggml_tensor* fuse_sum(const ggml_cgraph* graph, int i, const ggml_tensor* x);

/// What the allocator must keep, and until when.
struct Lifetime {
  ggml_tensor* operand;
  ggml_tensor* until;
};
/// So that the chain from node `i` can be computed as one; nothing where there is no chain.
std::vector<Lifetime> lifetimes_of_chain(const ggml_cgraph* graph, int i);

}  // namespace alref::compute::onednn
