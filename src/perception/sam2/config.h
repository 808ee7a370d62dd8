// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compute/gguf_reader.h"

namespace alref::sam2 {

/// One block of the trunk.
struct BlockConfig {
  int64_t dim;
  int64_t dim_out;
  int64_t heads;
  int64_t window;  ///< side of its attention windows; 0: the whole map
  bool pools;      ///< halves the map
  bool ends_stage;
};

struct TrunkConfig {
  int64_t embed_dim;
  int64_t num_heads;
  std::vector<int64_t> stages;
  std::vector<int64_t> window_spec;
  std::vector<int64_t> global_att_blocks;
  std::array<int64_t, 2> background_size;  ///< of the position embedding, height and width
  double mlp_ratio;

  std::vector<BlockConfig> blocks() const;
  int64_t stage_dim(size_t stage) const { return embed_dim << stage; }
};

struct DecoderConfig {
  int64_t layers;
  int64_t num_heads;
  int64_t mlp_dim;
  int64_t multimask_outputs;
  int64_t iou_head_depth;
  int64_t iou_head_dim;
  double stability_delta;
  double stability_threshold;

  int64_t mask_tokens() const { return multimask_outputs + 1; }
};

struct MemoryConfig {
  int64_t dim;
  int64_t layers;
  int64_t mlp_dim;
  double rope_theta;
  int64_t fuser_layers;
  int64_t frames;    ///< memories attended to: one for conditioning frames' place in time, the rest
                     ///< for the last frames
  int64_t pointers;  ///< object pointers attended to at most, conditioning frames not counted
  int64_t stride;    ///< between memories of tracked frames
  double mask_scale;  ///< of a mask's probabilities before they are remembered
  double mask_bias;
  bool
      encodes_absence;  ///< adds an embedding to memories of frames where the object is not visible
  bool pointers_have_time;  ///< adds a time encoding to object pointers
};

/// Sizes and options of one SAM 2 or SAM 2.1 model, read from its file's metadata
/// (docs/model-format.md).
struct Config {
  std::string version;
  std::string variant;
  int64_t image_size;
  std::array<float, 3> image_mean;
  std::array<float, 3> image_std;
  int64_t dim;  ///< channels of the neck, decoder and memory attention
  TrunkConfig trunk;
  int64_t mask_in_channels;
  DecoderConfig decoder;
  MemoryConfig memory;
  int64_t multimask_min_points;
  int64_t multimask_max_points;

  /// Side of the image embedding: the map of stride 16.
  int64_t map_size() const { return image_size / 16; }
  /// Side of the low-resolution masks: stride 4.
  int64_t mask_size() const { return image_size / 4; }
};

/// Throws Error(kModel) where a key is missing or has a value that this implementation does not
/// know.
Config read_config(const compute::GgufFile& file);

}  // namespace alref::sam2
