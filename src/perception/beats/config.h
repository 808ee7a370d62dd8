// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/gguf_reader.h"

namespace alref::beats {

/// Sizes and options of a fine-tuned BEATs model (microsoft/unilm, beats/BEATs.py, class
/// BEATsConfig).
struct Config {
  int64_t patch_size = 0;  ///< frames and mel bins of a patch
  int64_t patch_dim = 0;   ///< of a patch's embedding
  bool patch_bias = false;
  int64_t layers = 0;
  int64_t dim = 0;
  int64_t ffn_dim = 0;
  int64_t heads = 0;
  int64_t position_kernel = 0;  ///< of the convolution that encodes positions
  int64_t position_groups = 0;
  int64_t buckets = 0;  ///< of the relative position bias
  int64_t max_distance = 0;
  int64_t classes = 0;
  int64_t mel_bins = 0;
  double fbank_mean = 0;
  double fbank_std = 0;
  /// Cosine of the probabilities of two adjacent seconds below which another sound begins.
  std::optional<float> segment_threshold;
  std::vector<std::string> label_ids;    ///< one a class
  std::vector<std::string> label_names;  ///< the same; ids where the file holds no names

  /// Throws Error(kModel) for another network, missing keys, sizes that do not fit, and options
  /// that no official fine-tuned model has (norm first, no deep norm, no gated relative position
  /// bias).
  static Config read(const compute::GgufFile& file);
};

}  // namespace alref::beats
