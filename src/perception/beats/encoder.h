// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compute/graph.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "compute/ops/convolution_op.h"
#include "perception/beats/config.h"

namespace alref::beats {

/// Buckets of relative positions key - query for `tokens` tokens, [tokens, tokens] (backbone.py,
/// _relative_positions_bucket): half of them for keys behind the query, exact up to a quarter of
/// the buckets, logarithmic up to max_distance.
std::vector<int32_t> relative_position_buckets(int64_t tokens, int64_t buckets,
                                               int64_t max_distance);

/// BEATs' transformer (backbone.py, class TransformerEncoder): a grouped convolution encodes
/// positions, post-norm layers with residuals scaled up (deep norm), attention with a gated bias by
/// relative position that all layers share.
///   x [tokens * sounds, dim] -> [tokens * sounds, dim], each token of every sound, then the next
class Encoder {
 public:
  Encoder(const compute::Weights& w, const Config& config);

  /// bias [sounds * heads, tokens, tokens], position_bias() for every sound.
  ggml_tensor* operator()(compute::Graph& g, ggml_tensor* x, ggml_tensor* bias,
                          int64_t sounds) const;

  /// The shared bias by relative position, before the layers' gates: [heads, tokens, tokens], on
  /// the host.
  std::vector<float> position_bias(int64_t tokens) const;

 private:
  struct Layer {
    Layer(const compute::Weights& w, const Config& config);

    compute::nn::Linear query, key, value, out, fc1, fc2;
    compute::nn::LayerNorm attention_norm, final_norm;
    compute::nn::Linear gate;  // grep_linear, its two groups of four outputs summed: head dim -> 2
    ggml_tensor* gate_scale;   // grep_a [heads]
  };

  ggml_tensor* encode_positions(compute::Graph& g, ggml_tensor* x, int64_t sounds) const;
  ggml_tensor* gated_bias(compute::Graph& g, const Layer& layer, ggml_tensor* query,
                          ggml_tensor* bias, int64_t sounds) const;

  Config config_;
  std::shared_ptr<compute::ConvolutionOp> position_op_;
  ggml_tensor* position_weight_;  // [1, kernel, dim / groups, dim], weight norm folded
  ggml_tensor* position_bias_;
  compute::nn::LayerNorm norm_;
  std::vector<Layer> layers_;
  std::vector<float> bias_table_;  // [buckets, heads]
};

}  // namespace alref::beats
