// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/onednn/engine.h"
#include "compute/onednn/fusion.h"

namespace alref::compute::onednn {

bool takes_norm(const Engine& engine, const ggml_tensor* node);
void run_norm(Engine& engine, const Norm& norm);

/// Exact GELU and ReLU that no product has taken in.
bool takes_activation(const Engine& engine, const ggml_tensor* node);
void run_activation(Engine& engine, ggml_tensor* node);

}  // namespace alref::compute::onednn
