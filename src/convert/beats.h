// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compute/gguf_writer.h"
#include "convert/name_table.h"

namespace alref::convert {

/// Sizes and options of a BEATs network under the names of BEATsConfig (microsoft/unilm,
/// beats/BEATs.py), with its defaults.
struct BeatsConfig {
  int64_t input_patch_size = 16;
  int64_t embed_dim = 512;
  bool conv_bias = false;
  int64_t encoder_layers = 12;
  int64_t encoder_embed_dim = 768;
  int64_t encoder_ffn_embed_dim = 3072;
  int64_t encoder_attention_heads = 12;
  std::string activation_fn = "gelu";
  bool layer_norm_first = false;
  bool deep_norm = false;
  int64_t conv_pos = 128;
  int64_t conv_pos_groups = 16;
  bool relative_position_embedding = false;
  int64_t num_buckets = 320;
  int64_t max_distance = 1280;
  bool gru_rel_pos = false;
  bool finetuned_model = false;
  int64_t predictor_class = 527;
  /// Not of the official class: the cosine of the probabilities of two adjacent seconds below which
  /// another sound begins, where training has calibrated it.
  std::optional<double> segment_threshold;

  bool is_official() const;
};

/// The sizes of all published checkpoints (iter 1, 2, 3 and 3+).
BeatsConfig official_beats(bool finetuned);

bool is_beats(const SourceTensors& tensors);
NameTable beats_tensors(const BeatsConfig& config);

/// Sorts the checkpoint's tensors into `inputs`, writes metadata and labels, and gives the tensors
/// to expect.
NameTable prepare_beats(Inputs& inputs, compute::GgufWriter& writer);

}  // namespace alref::convert
