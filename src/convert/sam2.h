// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compute/gguf_writer.h"
#include "convert/name_table.h"

namespace alref::convert {

/// Sizes of a SAM 2 network (facebookresearch/sam2, sam2/configs); the defaults are those that all
/// official variants share. docs/model-format.md says what each is.
struct Sam2Config {
  std::string version = "2.1";  ///< "2" or "2.1"
  std::string variant = "custom";
  int64_t image_size = 1024;
  int64_t d_model = 256;

  int64_t embed_dim = 0;
  int64_t num_heads = 0;
  std::vector<int64_t> stages;
  std::vector<int64_t> window_spec;
  std::vector<int64_t> global_att_blocks;
  std::vector<int64_t> background = {7, 7};
  int64_t mlp_ratio = 4;

  int64_t mask_in_chans = 16;
  int64_t decoder_layers = 2;
  int64_t decoder_heads = 8;
  int64_t decoder_mlp_dim = 2048;
  int64_t multimask_outputs = 3;
  int64_t iou_head_depth = 3;
  int64_t iou_head_hidden_dim = 256;

  int64_t memory_dim = 64;
  int64_t memory_layers = 4;
  int64_t memory_heads = 1;
  int64_t memory_mlp_dim = 2048;
  double rope_theta = 10000;
  int64_t fuser_layers = 2;
  int64_t num_maskmem = 7;
  int64_t max_obj_ptrs = 16;
  int64_t temporal_stride = 1;

  bool is_2_1() const { return version == "2.1"; }
};

/// An official variant: "tiny", "small", "base-plus" or "large".
Sam2Config official_sam2(const std::string& version, const std::string& variant);

bool is_sam2(const SourceTensors& tensors);
/// Recognises the official variants by names and shapes; other sizes need `<checkpoint>.json`
/// beside the file (training/README.md). Throws Error(kModel).
Sam2Config read_sam2_config(const Inputs& inputs);
NameTable sam2_tensors(const Sam2Config& config);
void write_sam2_metadata(const Sam2Config& config, compute::GgufWriter& writer);

/// Sorts the checkpoint's tensors into `inputs`, writes the metadata, and gives the tensors to
/// expect.
NameTable prepare_sam2(Inputs& inputs, compute::GgufWriter& writer);

}  // namespace alref::convert
