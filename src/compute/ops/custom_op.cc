// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/custom_op.h"

#include <cstring>
#include <vector>

namespace alref::compute {
namespace {

void run_custom_op(ggml_tensor* node, int part, int parts, void* op) {
  static_cast<const CustomOp*>(op)->run(node, part, parts);
}

}  // namespace

ggml_tensor* custom(Graph& g, std::shared_ptr<const CustomOp> op, const Shape& shape,
                    std::initializer_list<ggml_tensor*> arguments, ggml_type type) {
  int64_t ne[GGML_MAX_DIMS] = {1, 1, 1, 1};
  for (size_t i = 0; i < shape.size(); ++i) ne[i] = shape[shape.size() - 1 - i];
  std::vector<ggml_tensor*> args(arguments);
  // ggml takes the user data as non-const and hands it back untouched.
  void* user_data = const_cast<CustomOp*>(op.get());
  ggml_tensor* node =
      ggml_custom_4d(g.context(), type, ne[0], ne[1], ne[2], ne[3], args.data(),
                     static_cast<int>(args.size()), run_custom_op, GGML_N_TASKS_MAX, user_data);
  g.keep(std::move(op));
  return node;
}

const CustomOp* custom_op_of(const ggml_tensor* node) {
  if (node->op != GGML_OP_CUSTOM) return nullptr;
  // The layout of ggml's own ggml_custom_op_params, which its public headers do not show.
  struct {
    ggml_custom_op_t function;
    int tasks;
    void* user_data;
  } params;
  static_assert(sizeof(params) <= sizeof(node->op_params));
  std::memcpy(&params, node->op_params, sizeof(params));
  return params.function == run_custom_op ? static_cast<const CustomOp*>(params.user_data)
                                          : nullptr;
}

Range share(int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace alref::compute
