// SPDX-License-Identifier: Apache-2.0
#include "convert/sam2.h"

namespace alref::convert {

void write_sam2_metadata(const Sam2Config& c, compute::GgufWriter& w) {
  using Integers = std::vector<int64_t>;
  using Reals = std::vector<double>;
  w.set_text("general.architecture", "sam2");
  w.set_text("general.name", "sam" + c.version + "-hiera-" + c.variant);
  w.set_text("sam2.version", c.version);
  w.set_text("sam2.variant", c.variant);
  w.set_integer("sam2.image_size", c.image_size);
  w.set_reals("sam2.image_mean", Reals{0.485, 0.456, 0.406});
  w.set_reals("sam2.image_std", Reals{0.229, 0.224, 0.225});
  w.set_integer("sam2.d_model", c.d_model);

  w.set_integer("sam2.trunk.embed_dim", c.embed_dim);
  w.set_integer("sam2.trunk.num_heads", c.num_heads);
  w.set_integers("sam2.trunk.stages", c.stages);
  w.set_integers("sam2.trunk.window_spec", c.window_spec);
  w.set_integers("sam2.trunk.global_att_blocks", c.global_att_blocks);
  w.set_integers("sam2.trunk.window_pos_embed_bkg_spatial_size", c.background);
  w.set_integer("sam2.trunk.q_pool", 3);
  w.set_integers("sam2.trunk.q_stride", Integers{2, 2});
  w.set_real("sam2.trunk.mlp_ratio", static_cast<double>(c.mlp_ratio));
  w.set_integers("sam2.neck.fpn_top_down_levels", Integers{2, 3});
  w.set_integer("sam2.neck.scalp", 1);

  w.set_integer("sam2.prompt_encoder.mask_in_chans", c.mask_in_chans);
  w.set_integer("sam2.mask_decoder.layers", c.decoder_layers);
  w.set_integer("sam2.mask_decoder.num_heads", c.decoder_heads);
  w.set_integer("sam2.mask_decoder.mlp_dim", c.decoder_mlp_dim);
  w.set_integer("sam2.mask_decoder.num_multimask_outputs", c.multimask_outputs);
  w.set_integer("sam2.mask_decoder.iou_head_depth", c.iou_head_depth);
  w.set_integer("sam2.mask_decoder.iou_head_hidden_dim", c.iou_head_hidden_dim);
  w.set_real("sam2.mask_decoder.dynamic_multimask_stability_delta", 0.05);
  w.set_real("sam2.mask_decoder.dynamic_multimask_stability_thresh", 0.98);

  w.set_integer("sam2.memory.dim", c.memory_dim);
  w.set_integer("sam2.memory.layers", c.memory_layers);
  w.set_integer("sam2.memory.num_heads", c.memory_heads);
  w.set_integer("sam2.memory.mlp_dim", c.memory_mlp_dim);
  w.set_real("sam2.memory.rope_theta", c.rope_theta);
  w.set_integer("sam2.memory.fuser_layers", c.fuser_layers);
  w.set_integer("sam2.memory.num_maskmem", c.num_maskmem);
  w.set_integer("sam2.memory.max_obj_ptrs", c.max_obj_ptrs);
  w.set_integer("sam2.memory.temporal_stride", c.temporal_stride);

  w.set_real("sam2.sigmoid_scale_for_mem_enc", 20);
  w.set_real("sam2.sigmoid_bias_for_mem_enc", -10);
  w.set_integer("sam2.multimask_min_pt_num", 0);
  w.set_integer("sam2.multimask_max_pt_num", 1);
  for (const char* on :
       {"use_mask_input_as_output_without_sam", "directly_add_no_mem_embed",
        "use_high_res_features_in_sam", "multimask_output_in_sam", "multimask_output_for_tracking",
        "use_multimask_token_for_obj_ptr", "iou_prediction_use_sigmoid", "use_obj_ptrs_in_encoder",
        "only_obj_ptrs_in_the_past_for_eval", "pred_obj_scores", "pred_obj_scores_mlp",
        "fixed_no_obj_ptr", "use_mlp_for_obj_ptr_proj", "binarize_mask_from_pts_for_mem_enc"}) {
    w.set_flag(std::string("sam2.") + on, true);
  }
  w.set_flag("sam2.soft_no_obj_ptr", false);
  for (const char* since_2_1 : {"no_obj_embed_spatial", "add_tpos_enc_to_obj_ptrs",
                                "proj_tpos_enc_in_obj_ptrs", "use_signed_tpos_enc_to_obj_ptrs"}) {
    w.set_flag(std::string("sam2.") + since_2_1, c.is_2_1());
  }
}

}  // namespace alref::convert
