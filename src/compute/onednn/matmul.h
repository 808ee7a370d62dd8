// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <ggml.h>

#include "compute/onednn/engine.h"
#include "compute/onednn/weight_cache.h"

namespace alref::compute::onednn {

/// NORM, then optionally MUL by a weight and ADD of a bias: one layer norm.
struct Norm {
  const ggml_tensor* x;
  float eps;
  const ggml_tensor* weight = nullptr;
  const ggml_tensor* bias = nullptr;
  ggml_tensor* result;

  kernels::RowNorm rows() const {
    return {.eps = eps,
            .weight = weight ? static_cast<const float*>(weight->data) : nullptr,
            .bias = bias ? static_cast<const float*>(bias->data) : nullptr};
  }
};

/// A GGML_OP_MUL_MAT node and what is done to its result before it is stored: activation(a b^T +
/// bias) + residual, whose rows may then be normalised or take a rotary encoding. a may be made on
/// the way, by a layer norm or a sum.
struct Linear {
  std::optional<Norm> norm;          ///< what makes a; its result is not stored
  const ggml_tensor* sum = nullptr;  ///< or an ADD of two like tensors; not stored either
  const ggml_tensor* product;
  const ggml_tensor* bias = nullptr;
  kernels::Activation activation = kernels::Activation::kNone;
  const ggml_tensor* residual = nullptr;
  std::vector<Norm> after;            ///< one of the other; of large products by weights only
  const ggml_tensor* rope = nullptr;  ///< a RopeOp that ends it; of products by weights only
  ggml_tensor* result;

  const ggml_tensor* rows() const { return norm ? norm->x : sum ? sum->src[0] : product->src[1]; }
};

/// Two of them: what the first gives is the second's left operand and nothing else, so that it need
/// not leave the caches.
struct Mlp {
  Linear first, second;
};

/// Whether run_matmul takes this node.
bool takes_matmul(const Engine& engine, const ggml_tensor* node);
void run_matmul(Engine& engine, WeightCache& weights, const Linear& linear);
void run_mlp(Engine& engine, WeightCache& weights, const Mlp& mlp);

}  // namespace alref::compute::onednn
