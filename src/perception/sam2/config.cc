// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/config.h"

#include <algorithm>

#include "compute/metadata.h"

namespace alref::sam2 {

using compute::Metadata;

namespace {

constexpr int64_t kMaxSize = 1 << 16;

TrunkConfig read_trunk(const Metadata& keys) {
  TrunkConfig trunk;
  trunk.embed_dim = keys.integer("trunk.embed_dim", 1, kMaxSize);
  trunk.num_heads = keys.integer("trunk.num_heads", 1, kMaxSize);
  trunk.stages = keys.integers("trunk.stages");
  trunk.window_spec = keys.integers("trunk.window_spec");
  trunk.global_att_blocks = keys.integers("trunk.global_att_blocks");
  trunk.mlp_ratio = keys.real("trunk.mlp_ratio");
  const auto background = keys.integers("trunk.window_pos_embed_bkg_spatial_size");
  const auto stride = keys.integers("trunk.q_stride");
  // Four stages, each but the first of half the map: levels of stride 4, 8, 16 and 32.
  if (trunk.stages.size() != 4)
    keys.fail("trunk.stages", std::to_string(trunk.stages.size()) + " stages", "4");
  for (const int64_t blocks : trunk.stages) {
    if (blocks < 1 || blocks > 1024)
      keys.fail("trunk.stages", std::to_string(blocks), "from 1 to 1024");
  }
  if (trunk.window_spec.size() != 4)
    keys.fail("trunk.window_spec", std::to_string(trunk.window_spec.size()) + " sizes", "4");
  for (const int64_t window : trunk.window_spec) {
    if (window < 2 || window > 256)
      keys.fail("trunk.window_spec", std::to_string(window), "from 2 to 256");
  }
  for (size_t stage = 0; stage + 1 < 4;
       ++stage) {  // a stage's first block pools the windows of the stage before
    if (trunk.window_spec[stage] % 2)
      keys.fail("trunk.window_spec", std::to_string(trunk.window_spec[stage]), "an even size");
  }
  if (background.size() != 2 || background[0] < 1 || background[1] < 1) {
    keys.fail("trunk.window_pos_embed_bkg_spatial_size", "no size", "a height and a width");
  }
  trunk.background_size = {background[0], background[1]};
  if (stride != std::vector<int64_t>{2, 2}) keys.fail("trunk.q_stride", "another", "2, 2");
  keys.integer("trunk.q_pool", 3, 3);
  return trunk;
}

DecoderConfig read_decoder(const Metadata& keys) {
  DecoderConfig decoder;
  decoder.layers = keys.integer("mask_decoder.layers", 1, 64);
  decoder.num_heads = keys.integer("mask_decoder.num_heads", 1, 256);
  decoder.mlp_dim = keys.integer("mask_decoder.mlp_dim", 1, kMaxSize);
  decoder.multimask_outputs = keys.integer("mask_decoder.num_multimask_outputs", 1, 16);
  decoder.iou_head_depth = keys.integer("mask_decoder.iou_head_depth", 1, 16);
  decoder.iou_head_dim = keys.integer("mask_decoder.iou_head_hidden_dim", 1, kMaxSize);
  decoder.stability_delta = keys.real("mask_decoder.dynamic_multimask_stability_delta");
  decoder.stability_threshold = keys.real("mask_decoder.dynamic_multimask_stability_thresh");
  return decoder;
}

MemoryConfig read_memory(const Metadata& keys) {
  MemoryConfig memory;
  memory.dim = keys.integer("memory.dim", 4, kMaxSize);
  memory.layers = keys.integer("memory.layers", 1, 64);
  keys.integer("memory.num_heads", 1, 1);
  memory.mlp_dim = keys.integer("memory.mlp_dim", 1, kMaxSize);
  memory.rope_theta = keys.real("memory.rope_theta");
  memory.fuser_layers = keys.integer("memory.fuser_layers", 1, 64);
  memory.frames = keys.integer("memory.num_maskmem", 2, 64);
  memory.pointers = keys.integer("memory.max_obj_ptrs", 2, 1024);
  memory.stride = keys.integer("memory.temporal_stride", 1, 1024);
  memory.mask_scale = keys.real("sigmoid_scale_for_mem_enc");
  memory.mask_bias = keys.real("sigmoid_bias_for_mem_enc");
  memory.encodes_absence = keys.flag("no_obj_embed_spatial");
  memory.pointers_have_time = keys.flag("add_tpos_enc_to_obj_ptrs");
  if (memory.pointers_have_time) keys.expect_flag("proj_tpos_enc_in_obj_ptrs", true);
  return memory;
}

}  // namespace

std::vector<BlockConfig> TrunkConfig::blocks() const {
  std::vector<BlockConfig> result;
  int64_t dim = embed_dim, heads = num_heads;
  for (size_t stage = 0; stage < stages.size(); ++stage) {
    for (int64_t i = 0; i < stages[stage]; ++i) {
      const auto index = static_cast<int64_t>(result.size());
      const bool first = i == 0 && stage > 0;
      // The first block of a stage still has the windows of the stage before.
      int64_t window = window_spec[first ? stage - 1 : stage];
      if (std::find(global_att_blocks.begin(), global_att_blocks.end(), index) !=
          global_att_blocks.end()) {
        window = 0;
      }
      if (first) heads *= 2;
      result.push_back({dim, first ? 2 * dim : dim, heads, window, first, i + 1 == stages[stage]});
      dim = result.back().dim_out;
    }
  }
  return result;
}

Config read_config(const compute::GgufFile& file) {
  const Metadata keys(file, "sam2");
  Config config;
  config.version = keys.text("version");
  config.variant = keys.text("variant");
  config.image_size = keys.integer("image_size", 64, 8192);
  if (config.image_size % 32) {
    keys.fail("image_size", std::to_string(config.image_size), "a multiple of 32");
  }
  config.image_mean = keys.colour("image_mean");
  config.image_std = keys.colour("image_std");
  config.dim = keys.integer("d_model", 8, kMaxSize);
  if (config.dim % 8) keys.fail("d_model", std::to_string(config.dim), "a multiple of 8");
  config.trunk = read_trunk(keys);
  if (config.image_size / 4 % config.trunk.window_spec[0]) {
    keys.fail(
        "image_size", std::to_string(config.image_size),
        "a multiple of 4 x " + std::to_string(config.trunk.window_spec[0]) + ", the first windows");
  }
  // Only the level of stride 16 takes in the coarser one; 3 has none above it.
  auto levels = keys.integers("neck.fpn_top_down_levels");
  std::erase(levels, 3);
  if (levels != std::vector<int64_t>{2}) keys.fail("neck.fpn_top_down_levels", "another", "2, 3");
  keys.integer("neck.scalp", 1, 1);
  config.mask_in_channels = keys.integer("prompt_encoder.mask_in_chans", 4, 1024);
  config.decoder = read_decoder(keys);
  config.memory = read_memory(keys);
  if (config.dim % config.memory.dim) {
    keys.fail("memory.dim", std::to_string(config.memory.dim), "a divisor of d_model");
  }
  config.multimask_min_points = keys.integer("multimask_min_pt_num", 0, 1024);
  config.multimask_max_points = keys.integer("multimask_max_pt_num", 0, 1024);
  for (const char* key :
       {"use_mask_input_as_output_without_sam", "directly_add_no_mem_embed",
        "use_high_res_features_in_sam", "multimask_output_in_sam", "multimask_output_for_tracking",
        "use_multimask_token_for_obj_ptr", "iou_prediction_use_sigmoid", "use_obj_ptrs_in_encoder",
        "only_obj_ptrs_in_the_past_for_eval", "pred_obj_scores", "pred_obj_scores_mlp",
        "fixed_no_obj_ptr", "use_mlp_for_obj_ptr_proj", "binarize_mask_from_pts_for_mem_enc"}) {
    keys.expect_flag(key, true);
  }
  keys.expect_flag("soft_no_obj_ptr", false);
  return config;
}

}  // namespace alref::sam2
