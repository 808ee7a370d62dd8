// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/graph.h"

namespace alref::compute::nn {

/// softmax(q k^T * scale + bias + mask) v, for every batch entry and head, softmax over the keys;
/// all f32, but q, k and v may be bf16, and the result is of `type`, f32 or bf16.
///
///   q [B, Nq, H*d], k [B, Nk, H*d], v [B, Nk, H*dv]  ->  [B, Nq, H*dv]
///   bias [H, Nq, Nk] or null;  mask [M, Nq, Nk] or null, entry b % M for batch entry b (M divides
///   B)
///
/// The inner dimension is contiguous; views with other strides outside it are fine (parts of a
/// joint qkv).
ggml_tensor* attention(Graph& g, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v, int64_t heads,
                       float scale, ggml_tensor* bias = nullptr, ggml_tensor* mask = nullptr,
                       ggml_type type = GGML_TYPE_F32);

}  // namespace alref::compute::nn
