// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compute/gguf_reader.h"
#include "compute/nn/linear.h"

namespace alref::language_bind {

/// Sizes of one of CLIP's transformers.
struct TowerConfig {
  int64_t dim = 0;
  int64_t ffn_dim = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  bool quick_gelu = false;  ///< x * sigmoid(1.702 x) instead of the exact GELU
  float eps = 0;            ///< of its layer norms
};

/// LanguageBind (PKU-YuanGroup/LanguageBind, languagebind/audio/configuration_audio.py).
struct Config {
  int64_t projection_dim = 0;
  TowerConfig text;
  int64_t max_tokens = 0;
  int64_t vocabulary = 0;
  std::vector<std::string> merges;  ///< of the byte-pair tokenizer

  bool has_audio =
      false;  ///< else the file holds a text tower only, or another one that is not used here
  TowerConfig audio;
  int64_t patch = 0;
  int64_t mel_bins = 0;
  int64_t frames = 0;  ///< of the filter banks that one input has
  float mean = 0;
  float std = 0;

  /// Throws Error(kModel).
  static Config read(const compute::GgufFile& file);
};

}  // namespace alref::language_bind
