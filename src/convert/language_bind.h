// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compute/gguf_writer.h"
#include "convert/name_table.h"

namespace alref::convert {

/// Sizes of one tower of LanguageBind (Hugging Face's CLIP, transformers).
struct TowerConfig {
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t layers = 0;
  int64_t num_heads = 0;
  std::string hidden_act = "quick_gelu";
  double layer_norm_eps = 1e-5;
};

/// Sizes of a LanguageBind network (PKU-YuanGroup/LanguageBind).
struct LanguageBindConfig {
  struct Vision {
    TowerConfig tower;
    int64_t patch_size = 14;
    int64_t image_size = 224;
  };
  struct Audio {
    int64_t num_mel_bins = 112;
    int64_t target_length = 1036;
    int64_t sample_rate = 16000;
    double mean = 0;
    double std = 0;
  };
  TowerConfig text;
  int64_t max_positions = 77;
  int64_t vocab_size = 49408;
  int64_t projection_dim = 768;
  std::optional<Vision> vision;  ///< none in files that hold the text tower only
  std::optional<Audio> audio;    ///< where the "vision" tower reads sounds

  std::string modality() const { return audio ? "audio" : vision ? "image" : "text"; }
  bool is_official() const;
};

/// The published sizes: "audio" (Audio_FT) or "image".
LanguageBindConfig official_language_bind(const std::string& modality);

bool is_language_bind(const SourceTensors& tensors);
NameTable language_bind_tensors(const LanguageBindConfig& config);

/// Sorts the checkpoint's tensors into `inputs`, writes metadata and merges, and gives the tensors
/// to expect. Needs Hugging Face's config.json beside the checkpoint; merges.txt is read where
/// present.
NameTable prepare_language_bind(Inputs& inputs, compute::GgufWriter& writer);

}  // namespace alref::convert
