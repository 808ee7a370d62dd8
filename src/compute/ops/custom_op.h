// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "compute/graph.h"

namespace alref::compute {

/// An operator that ggml lacks, as a GGML_OP_CUSTOM node. `run` is the portable version, which
/// ggml's CPU backend calls; our oneDNN backend recognises the class and may know a faster way
/// (compute/onednn).
class CustomOp {
 public:
  virtual ~CustomOp() = default;
  virtual std::string_view name() const = 0;
  /// Part `part` of `parts` of the work; the parts run at the same time and write different
  /// elements. Arguments are node->src[0], [1], ...; the result goes to node->data.
  virtual void run(ggml_tensor* node, int part, int parts) const = 0;
};

/// A node of `op` with a result of this shape and type: f32, or bf16 where `op` says that it may be
/// (AttentionOp alone). The graph keeps `op` alive.
ggml_tensor* custom(Graph& g, std::shared_ptr<const CustomOp> op, const Shape& shape,
                    std::initializer_list<ggml_tensor*> arguments, ggml_type type = GGML_TYPE_F32);

/// The operator behind a node made by `custom`; null for any other node.
const CustomOp* custom_op_of(const ggml_tensor* node);

/// [begin, end) of `count` items that fall to `part` of `parts`.
struct Range {
  int64_t begin;
  int64_t end;
};
Range share(int64_t count, int part, int parts);

}  // namespace alref::compute
