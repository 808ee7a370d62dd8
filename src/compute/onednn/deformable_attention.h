// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ggml.h>

#include "compute/onednn/engine.h"
#include "compute/ops/deformable_attention_op.h"

namespace alref::compute::onednn {

/// Whether copying each head's map out of the value is possible here, and worth its time.
bool takes_deformable_attention(const Engine& engine, const DeformableAttentionOp& op,
                                const ggml_tensor* node);
/// Reads each head's map from a copy in the element that products take: a map of 22,000 pixels in
/// bf16 fits a second-level cache, where the value of all heads misses it at every sample.
void run_deformable_attention(Engine& engine, const DeformableAttentionOp& op, ggml_tensor* node);

}  // namespace alref::compute::onednn
