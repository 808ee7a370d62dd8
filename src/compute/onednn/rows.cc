// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/rows.h"

#include <ggml-impl.h>

#include "compute/onednn/product.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {
namespace {

// Values that a thread takes at a time: enough to be worth the taking, few enough to share out
// evenly.
constexpr int64_t kChunk = 1 << 14;

}  // namespace

bool takes_norm(const Engine& engine, const ggml_tensor* node) {
  const ggml_tensor* x = node->src[0];
  return engine.rows() && node->op == GGML_OP_NORM && x->type == GGML_TYPE_F32 &&
         ggml_is_contiguous(x) && ggml_is_contiguous(node);
}

void run_norm(Engine& engine, const Norm& norm) {
  const int64_t n = norm.x->ne[0], rows = ggml_nrows(norm.x),
                chunk = std::max<int64_t>(1, kChunk / n);
  const auto* x = static_cast<const float*>(norm.x->data);
  auto* y = static_cast<float*>(norm.result->data);
  const kernels::RowNorm with = norm.rows();
  engine.parallel((rows + chunk - 1) / chunk, [&](int64_t item, int) {
    const int64_t row = item * chunk;
    engine.rows()->layer_norm(x + row * n, y + row * n, std::min(chunk, rows - row), n, with);
  });
}

bool takes_activation(const Engine& engine, const ggml_tensor* node) {
  if (!engine.rows() || node->op != GGML_OP_UNARY || node->src[0]->type != GGML_TYPE_F32)
    return false;
  const ggml_unary_op op = ggml_get_unary_op(node);
  return (op == GGML_UNARY_OP_GELU_ERF || op == GGML_UNARY_OP_RELU ||
          op == GGML_UNARY_OP_SIGMOID) &&
         ggml_is_contiguous(node->src[0]) && ggml_is_contiguous(node);
}

void run_activation(Engine& engine, ggml_tensor* node) {
  const ggml_unary_op op = ggml_get_unary_op(node);
  const auto activation = op == GGML_UNARY_OP_RELU      ? kernels::Activation::kRelu
                          : op == GGML_UNARY_OP_SIGMOID ? kernels::Activation::kSigmoid
                                                        : kernels::Activation::kGelu;
  const int64_t n = ggml_nelements(node);
  const auto* x = static_cast<const float*>(node->src[0]->data);
  auto* y = static_cast<float*>(node->data);
  engine.parallel((n + kChunk - 1) / kChunk, [&](int64_t item, int) {
    const int64_t begin = item * kChunk;
    engine.rows()->activate(x + begin, y + begin, std::min(kChunk, n - begin), activation);
  });
}

bool takes_softmax(const Engine& engine, const ggml_tensor* node) {
  const ggml_tensor *x = node->src[0], *mask = node->src[1];
  return engine.rows() && node->op == GGML_OP_SOFT_MAX && !node->src[2] &&
         ggml_get_op_params_f32(node, 1) == 0 && x->type == GGML_TYPE_F32 &&
         ggml_is_contiguous(x) && ggml_is_contiguous(node) &&
         (!mask || (mask->type == GGML_TYPE_F32 && mask->nb[0] == sizeof(float)));
}

void run_softmax(Engine& engine, ggml_tensor* node) {
  const ggml_tensor *x = node->src[0], *mask = node->src[1];
  const int64_t n = node->ne[0], rows = ggml_nrows(node), chunk = std::max<int64_t>(1, kChunk / n);
  const float scale = ggml_get_op_params_f32(node, 0);
  engine.parallel((rows + chunk - 1) / chunk, [&](int64_t item, int) {
    for (int64_t row = item * chunk; row < std::min(rows, (item + 1) * chunk); ++row) {
      const int64_t i1 = row % node->ne[1], i2 = row / node->ne[1] % node->ne[2],
                    i3 = row / node->ne[1] / node->ne[2];
      const float* added = mask ? row_at(mask, i1, i2 % mask->ne[2], i3 % mask->ne[3]) : nullptr;
      engine.rows()->softmax(static_cast<const float*>(x->data) + row * n,
                             static_cast<float*>(node->data) + row * n, n, scale, added);
    }
  });
}

void run_max_pool(Engine& engine, ggml_tensor* node) {
  const ggml_tensor* x = node->src[0];
  const kernels::OperandKernels& from = reading(*engine.fast(), x);
  engine.parallel(node->ne[3] * node->ne[2], [&](int64_t line, int) {
    const int64_t n = line / node->ne[2], row = line % node->ne[2];
    for (int64_t column = 0; column < node->ne[1]; ++column) {
      const void* pixels[4];
      for (int64_t i = 0; i < 4; ++i) pixels[i] = row_at(x, 2 * column + i % 2, 2 * row + i / 2, n);
      from.largest(pixels, node->ne[0], const_cast<float*>(row_at(node, column, row, n)),
                   node->type != GGML_TYPE_F32);
    }
  });
}

}  // namespace alref::compute::onednn
