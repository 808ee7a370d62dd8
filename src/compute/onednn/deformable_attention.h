// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ggml.h>

#include "compute/onednn/engine.h"
#include "compute/ops/deformable_attention_op.h"

namespace alref::compute::onednn {

/// Whether run_deformable_attention takes this node as it is: copying the heads of an f32 value
/// must be worth its time.
bool takes_deformable_attention(const Engine& engine, const DeformableAttentionOp& op,
                                const ggml_tensor* node);
/// Whether it would if the value were bf16.
bool takes_narrow_value(const Engine& engine, const DeformableAttentionOp& op,
                        const ggml_tensor* node);
/// Reads each head's map from a copy in the element that products take: a map of 22,000 pixels in
/// bf16 fits a second-level cache, where the value of all heads misses it at every sample. Few
/// queries read a value in bf16 where it lies.
void run_deformable_attention(Engine& engine, const DeformableAttentionOp& op, ggml_tensor* node);

}  // namespace alref::compute::onednn
