// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ggml.h>

#include "compute/onednn/engine.h"
#include "compute/onednn/weight_cache.h"

namespace alref::compute::onednn {

/// A GGML_OP_MUL_MAT node and what is done to its result before it is stored: activation(a b^T + bias) + residual.
struct Linear {
  const ggml_tensor* product;
  const ggml_tensor* bias = nullptr;
  kernels::Activation activation = kernels::Activation::kNone;
  const ggml_tensor* residual = nullptr;
  ggml_tensor* result;
};

/// Two of them: what the first gives is the second's left operand and nothing else, so that it need not leave the caches.
struct Mlp {
  Linear first, second;
};

/// Whether run_matmul takes this node.
bool takes_matmul(const Engine& engine, const ggml_tensor* node);
void run_matmul(Engine& engine, WeightCache& weights, const Linear& linear);
void run_mlp(Engine& engine, WeightCache& weights, const Mlp& mlp);

}  // namespace alref::compute::onednn
