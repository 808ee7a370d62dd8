// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/onednn/engine.h"
#include "compute/onednn/fusion.h"
#include "compute/ops/max_pool_op.h"

namespace alref::compute::onednn {

bool takes_norm(const Engine& engine, const ggml_tensor* node);
void run_norm(Engine& engine, const Norm& norm);

/// Exact GELU and ReLU that no product has taken in.
bool takes_activation(const Engine& engine, const ggml_tensor* node);
void run_activation(Engine& engine, ggml_tensor* node);

/// Softmax without ALiBi and sinks, its mask in f32.
bool takes_softmax(const Engine& engine, const ggml_tensor* node);
void run_softmax(Engine& engine, ggml_tensor* node);

/// MaxPool2x2Op of f32 or bf16, from maps whose pixels' channels are contiguous.
void run_max_pool(Engine& engine, ggml_tensor* node);

}  // namespace alref::compute::onednn
