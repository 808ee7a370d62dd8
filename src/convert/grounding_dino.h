// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/gguf_writer.h"
#include "convert/name_table.h"

namespace alref::convert {

/// Sizes of a GroundingDINO network (IDEA-Research/GroundingDINO); the defaults are those that both
/// official variants share. docs/model-format.md says what each is.
struct GroundingDinoConfig {
  std::string variant = "custom";
  int64_t embed_dim = 0;
  std::vector<int64_t> depths;
  std::vector<int64_t> swin_heads;
  int64_t window_size = 0;
  int64_t mlp_ratio = 4;

  int64_t d_model = 256;
  int64_t num_heads = 8;
  int64_t dim_feedforward = 2048;
  int64_t encoder_layers = 6;
  int64_t decoder_layers = 6;
  int64_t feature_levels = 4;
  int64_t encoder_points = 4;
  int64_t decoder_points = 4;
  int64_t fusion_heads = 4;
  int64_t fusion_dim = 1024;
  int64_t text_heads = 4;
  int64_t text_dim_feedforward = 1024;
  int64_t num_queries = 900;
  int64_t max_text_len = 256;
  double position_temperature = 20;

  int64_t short_side = 800;
  int64_t max_side = 1333;
  std::vector<double> image_mean = {0.485, 0.456, 0.406};
  std::vector<double> image_std = {0.229, 0.224, 0.225};
  double box_threshold = 0.25;
  double text_threshold = 0.25;

  int64_t bert_hidden_size = 768;
  int64_t bert_layers = 12;
  int64_t bert_heads = 12;
  int64_t bert_intermediate_size = 3072;
  int64_t bert_vocab_size = 30522;
  int64_t bert_max_positions = 512;
  int64_t bert_types = 2;
  double bert_layer_norm_eps = 1e-12;
};

/// "swin-t" or "swin-b".
GroundingDinoConfig official_grounding_dino(const std::string& variant);

/// The official file's layout, or Hugging Face's.
bool is_grounding_dino(const SourceTensors& tensors);
NameTable grounding_dino_tensors(const GroundingDinoConfig& config);
void write_grounding_dino_metadata(const GroundingDinoConfig& config, compute::GgufWriter& writer);

/// Where a tensor of Hugging Face's GroundingDinoForObjectDetection belongs: official name, and
/// which part of it (query, key, value) it is; nothing for names that it does not have.
std::optional<std::pair<std::string, size_t>> official_grounding_dino_name(
    std::string_view hugging_face);

/// Sorts the checkpoint's tensors into `inputs`, writes metadata and vocabulary, and gives the
/// tensors to expect.
NameTable prepare_grounding_dino(Inputs& inputs, compute::GgufWriter& writer);

}  // namespace alref::convert
