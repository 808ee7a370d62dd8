// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/onednn/engine.h"
#include "compute/ops/attention_op.h"
#include "compute/ops/window_attention_op.h"

namespace alref::compute::onednn {

/// AttentionOp, without ever holding all scores: blocks of queries against blocks of keys, softmax
/// online between the two products. Keys and values are packed once per head.
void run_attention(Engine& engine, const AttentionOp& op, ggml_tensor* node);
/// WindowAttentionOp, the same way.
void run_window_attention(Engine& engine, const WindowAttentionOp& op, ggml_tensor* node);

}  // namespace alref::compute::onednn
