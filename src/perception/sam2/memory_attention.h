// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/sam2/config.h"

namespace alref::sam2 {

/// Conditions a frame's embedding on memories of other frames (sam2/modeling/memory_attention.py
/// with RoPEAttention of sam2/modeling/sam/transformer.py; what sam2_base.py's
/// _prepare_memory_conditioned_features concatenates is concatenated here).
///
/// With n * n pixels a map, width d and memory width m, one head:
/// - Values are the memories themselves, [tokens, m]: rows of attention weights sum to 1, so that
/// projecting to d and on through
///   out_proj can wait until after attention, as one matrix. Attention over m = d / 4 values costs
///   a quarter.
/// - The first layer's self-attention does not depend on memories: `prepare` does it once for all
/// objects.
class MemoryAttention {
 public:
  /// `w` is the whole model: memory_attention.*, maskmem_tpos_enc, obj_ptr_tpos_proj.*.
  MemoryAttention(const compute::Weights& w, const Config& config);

  struct Memory {
    ggml_tensor* tokens;  ///< [frames * n * n + pointers * d / m, m]: an object pointer is d / m
                          ///< tokens after those of all frames
    ggml_tensor* times;  ///< I32 [frames]: which of the model's temporal encodings each frame takes
    ggml_tensor* pointer_times;  ///< [pointers, d]: sines of their distance, or null where there
                                 ///< are none or the model has no such encoding
  };

  /// embedding [n * n, d] -> [n * n, d]
  ggml_tensor* prepare(compute::Graph& g, ggml_tensor* embedding) const;
  /// prepared [n * n, d] -> [n * n, d]
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* prepared, const Memory& memory) const;

 private:
  struct Layer {
    compute::nn::LayerNorm norm1, norm2, norm3;
    compute::nn::Linear self_q, self_k, self_out;     // self_out: v_proj and out_proj in one
    compute::nn::Linear cross_q, cross_k, cross_out;  // the same
    compute::nn::Linear linear1, linear2;
  };

  ggml_tensor* attend_to_self(compute::Graph& g, const Layer& layer, ggml_tensor* x) const;

  int64_t side_, pixels_;
  int64_t dim_;
  int64_t memory_dim_;
  float scale_;
  std::vector<Layer> layers_;
  compute::nn::LayerNorm norm_;
  ggml_tensor* image_positions_;  // [n * n, d], times 0.1
  ggml_tensor* rope_table_;       // [2 n, d / 2]
  ggml_tensor* places_;           // [memory frames, n * n * m]: place and time of a memory's tokens
  std::optional<compute::nn::Linear> time_proj_;  // of object pointers
};

}  // namespace alref::sam2
