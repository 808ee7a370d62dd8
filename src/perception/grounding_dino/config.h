// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "compute/gguf_reader.h"

namespace alref::grounding_dino {

/// Sizes of one GroundingDINO, from a model file's metadata (docs/model-format.md).
struct Config {
  struct Swin {
    int64_t embed_dim = 0;
    std::vector<int64_t> depths;
    std::vector<int64_t> heads;
    int64_t window = 0;
    double mlp_ratio = 0;
    std::vector<int64_t> out_indices;  ///< ascending stages whose maps the transformer sees

    /// Channels of stage `i`.
    int64_t channels(int64_t i) const { return embed_dim << i; }
  };
  struct Bert {
    int64_t hidden = 0;
    int64_t layers = 0;
    int64_t heads = 0;
    int64_t intermediate = 0;
    int64_t vocabulary = 0;
    int64_t max_positions = 0;
    int64_t token_types = 0;
    float norm_eps = 0;
  };

  Swin swin;
  Bert bert;
  int64_t d_model = 0;
  int64_t heads = 0;
  int64_t feedforward = 0;
  int64_t encoder_layers = 0;
  int64_t decoder_layers = 0;
  int64_t levels = 0;
  int64_t encoder_points = 0;
  int64_t decoder_points = 0;
  int64_t fusion_heads = 0;
  int64_t fusion_dim = 0;
  int64_t text_heads = 0;
  int64_t text_feedforward = 0;
  int64_t queries = 0;
  int64_t max_text_tokens = 0;
  float position_temperature = 0;
  int64_t short_side = 0;
  int64_t max_side = 0;
  std::array<float, 3> mean{};
  std::array<float, 3> std{};
  float box_threshold = 0;  ///< for callers who have none of their own
  float text_threshold = 0;

  /// Throws Error(kModel) for another architecture, missing keys and sizes that cannot be.
  static Config read(const compute::GgufFile& file);
};

}  // namespace alref::grounding_dino
