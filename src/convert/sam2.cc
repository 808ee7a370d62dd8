// SPDX-License-Identifier: Apache-2.0
// Names and shapes of facebookresearch/sam2 (sam2/modeling), sizes of its sam2/configs.
#include "convert/sam2.h"

#include "alref/error.h"

#include <algorithm>
#include <numeric>

#include "convert/side_file.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

constexpr const char* kPatchEmbed = "image_encoder.trunk.patch_embed.proj.weight";

std::string join(const std::string& prefix, int64_t index) {
  return prefix + "." + std::to_string(index);
}

void attention(NameTable& t, const std::string& name, int64_t dim, int64_t inner, int64_t key_dim) {
  t.linear(name + ".q_proj", inner, dim);
  t.linear(name + ".k_proj", inner, key_dim);
  t.linear(name + ".v_proj", inner, key_dim);
  t.linear(name + ".out_proj", dim, inner);
}

void image_encoder(NameTable& t, const Sam2Config& c) {
  const std::string trunk = "image_encoder.trunk";
  t.keep(trunk + ".pos_embed", {1, c.embed_dim, c.background[0], c.background[1]});
  t.keep(trunk + ".pos_embed_window", {1, c.embed_dim, c.window_spec[0], c.window_spec[0]});
  t.conv(trunk + ".patch_embed.proj", c.embed_dim, 3, 7, 7);
  int64_t block = 0, dim = c.embed_dim;
  for (size_t stage = 0; stage < c.stages.size(); ++stage) {
    const int64_t out = c.embed_dim << stage;
    for (int64_t i = 0; i < c.stages[stage]; ++i, ++block, dim = out) {
      const std::string name = join(trunk + ".blocks", block);
      t.norm(name + ".norm1", dim);
      t.linear(name + ".attn.qkv", 3 * out, dim);
      t.linear(name + ".attn.proj", out, out);
      t.norm(name + ".norm2", out);
      t.mlp(name + ".mlp", out, c.mlp_ratio * out, out, 2);
      if (dim != out) t.linear(name + ".proj", out, dim);
    }
  }
  const auto last = static_cast<int64_t>(c.stages.size()) - 1;
  for (int64_t i = 0; i <= last; ++i) {
    t.conv(join("image_encoder.neck.convs", i) + ".conv", c.d_model, c.embed_dim << (last - i), 1,
           1);
  }
}

void memory(NameTable& t, const Sam2Config& c) {
  t.keep("maskmem_tpos_enc", {c.num_maskmem, 1, 1, c.memory_dim});
  t.keep("no_mem_embed", {1, 1, c.d_model});
  t.keep("no_mem_pos_enc", {1, 1, c.d_model});
  t.keep("no_obj_ptr", {1, c.d_model});
  if (c.is_2_1()) {
    t.keep("no_obj_embed_spatial", {1, c.memory_dim});
    t.linear("obj_ptr_tpos_proj", c.memory_dim, c.d_model);
  }
  t.mlp("obj_ptr_proj", c.d_model, c.d_model, c.d_model, 3);
  t.conv("mask_downsample", 1, 1, 4, 4);

  for (int64_t i = 0; i < c.memory_layers; ++i) {
    const std::string layer = join("memory_attention.layers", i);
    attention(t, layer + ".self_attn", c.d_model, c.d_model, c.d_model);
    attention(t, layer + ".cross_attn_image", c.d_model, c.d_model, c.memory_dim);
    t.linear(layer + ".linear1", c.memory_mlp_dim, c.d_model);
    t.linear(layer + ".linear2", c.d_model, c.memory_mlp_dim);
    for (const char* norm : {".norm1", ".norm2", ".norm3"}) t.norm(layer + norm, c.d_model);
  }
  t.norm("memory_attention.norm", c.d_model);

  const std::string down = "memory_encoder.mask_downsampler.encoder";
  int64_t channels = 1;
  for (int64_t i = 0; i < 4; ++i, channels *= 4) {  // four convolutions of stride 2
    t.conv(join(down, 3 * i), 4 * channels, channels, 3, 3);
    t.norm(join(down, 3 * i + 1), 4 * channels);
  }
  t.conv(join(down, 12), c.d_model, channels, 1, 1);
  t.conv("memory_encoder.pix_feat_proj", c.d_model, c.d_model, 1, 1);
  for (int64_t i = 0; i < c.fuser_layers; ++i) {
    const std::string layer = join("memory_encoder.fuser.layers", i);
    t.keep(layer + ".gamma", {c.d_model});
    t.conv(layer + ".dwconv", c.d_model, 1, 7, 7);
    t.norm(layer + ".norm", c.d_model);
    t.linear(layer + ".pwconv1", 4 * c.d_model, c.d_model);
    t.linear(layer + ".pwconv2", c.d_model, 4 * c.d_model);
  }
  t.conv("memory_encoder.out_proj", c.memory_dim, c.d_model, 1, 1);
}

void prompt_encoder(NameTable& t, const Sam2Config& c) {
  const std::string name = "sam_prompt_encoder";
  t.keep(name + ".pe_layer.positional_encoding_gaussian_matrix", {2, c.d_model / 2});
  for (int64_t i = 0; i < 4; ++i)
    t.keep(join(name + ".point_embeddings", i) + ".weight", {1, c.d_model});
  t.keep(name + ".not_a_point_embed.weight", {1, c.d_model});
  t.keep(name + ".no_mask_embed.weight", {1, c.d_model});
  const std::string down = name + ".mask_downscaling";
  t.conv(down + ".0", c.mask_in_chans / 4, 1, 2, 2);
  t.norm(down + ".1", c.mask_in_chans / 4);
  t.conv(down + ".3", c.mask_in_chans, c.mask_in_chans / 4, 2, 2);
  t.norm(down + ".4", c.mask_in_chans);
  t.conv(down + ".6", c.d_model, c.mask_in_chans, 1, 1);
}

void mask_decoder(NameTable& t, const Sam2Config& c) {
  const int64_t d = c.d_model;
  const std::string name = "sam_mask_decoder";
  for (int64_t i = 0; i < c.decoder_layers; ++i) {
    const std::string layer = join(name + ".transformer.layers", i);
    attention(t, layer + ".self_attn", d, d, d);
    attention(t, layer + ".cross_attn_token_to_image", d, d / 2, d);
    attention(t, layer + ".cross_attn_image_to_token", d, d / 2, d);
    t.mlp(layer + ".mlp", d, c.decoder_mlp_dim, d, 2);
    for (const char* norm : {".norm1", ".norm2", ".norm3", ".norm4"}) t.norm(layer + norm, d);
  }
  attention(t, name + ".transformer.final_attn_token_to_image", d, d / 2, d);
  t.norm(name + ".transformer.norm_final_attn", d);
  const int64_t masks = c.multimask_outputs + 1;
  t.keep(name + ".iou_token.weight", {1, d});
  t.keep(name + ".mask_tokens.weight", {masks, d});
  t.keep(name + ".obj_score_token.weight", {1, d});
  // Transposed convolutions: [in, out, 2, 2].
  t.conv(name + ".output_upscaling.0", d, d / 4, 2, 2, /*bias=*/false);
  t.keep(name + ".output_upscaling.0.bias", {d / 4});
  t.norm(name + ".output_upscaling.1", d / 4);
  t.conv(name + ".output_upscaling.3", d / 4, d / 8, 2, 2, /*bias=*/false);
  t.keep(name + ".output_upscaling.3.bias", {d / 8});
  t.conv(name + ".conv_s0", d / 8, d, 1, 1);
  t.conv(name + ".conv_s1", d / 4, d, 1, 1);
  for (int64_t i = 0; i < masks; ++i)
    t.mlp(join(name + ".output_hypernetworks_mlps", i), d, d, d / 8, 3);
  t.mlp(name + ".iou_prediction_head", d, c.iou_head_hidden_dim, masks, c.iou_head_depth);
  t.mlp(name + ".pred_obj_score_head", d, d, 1, 3);
}

/// All sizes that shapes tell; the rest comes from the side file.
Sam2Config read_custom(const Inputs& in, const SideFile& side, const std::string& version) {
  Sam2Config c;
  c.version = version;
  c.embed_dim = in.length(kPatchEmbed, 0);
  c.background = {in.length("image_encoder.trunk.pos_embed", 2),
                  in.length("image_encoder.trunk.pos_embed", 3)};
  c.mlp_ratio = in.length("image_encoder.trunk.blocks.0.mlp.layers.0.weight", 0) / c.embed_dim;
  c.d_model = in.length("no_mem_embed", 2);
  c.mask_in_chans = in.length("sam_prompt_encoder.mask_downscaling.3.weight", 0);
  c.decoder_layers = in.count("sam_mask_decoder.transformer.layers.", ".norm1.weight");
  c.decoder_mlp_dim = in.length("sam_mask_decoder.transformer.layers.0.mlp.layers.0.weight", 0);
  c.multimask_outputs = in.length("sam_mask_decoder.mask_tokens.weight", 0) - 1;
  c.iou_head_depth = in.count("sam_mask_decoder.iou_prediction_head.layers.", ".weight");
  c.iou_head_hidden_dim = in.length("sam_mask_decoder.iou_prediction_head.layers.0.weight", 0);
  c.num_maskmem = in.length("maskmem_tpos_enc", 0);
  c.memory_dim = in.length("maskmem_tpos_enc", 3);
  c.memory_layers = in.count("memory_attention.layers.", ".norm1.weight");
  c.memory_mlp_dim = in.length("memory_attention.layers.0.linear1.weight", 0);
  c.fuser_layers = in.count("memory_encoder.fuser.layers.", ".gamma");

  c.image_size = side.integer("/image_size");
  c.num_heads = side.integer("/trunk/num_heads");
  c.stages = side.integers("/trunk/stages");
  c.window_spec = side.integers("/trunk/window_spec");
  c.global_att_blocks = side.integers("/trunk/global_att_blocks");
  c.memory_heads = side.integer("/memory_attention/num_heads");
  c.rope_theta = side.real("/memory_attention/rope_theta");
  c.decoder_heads = side.integer("/mask_decoder/num_heads");
  c.max_obj_ptrs = side.integer("/max_obj_ptrs_in_encoder");
  c.temporal_stride = side.integer("/memory_temporal_stride");

  const int64_t blocks = in.count("image_encoder.trunk.blocks.", ".norm1.weight");
  if (c.stages.size() != 4 || std::find(c.stages.begin(), c.stages.end(), 0) != c.stages.end() ||
      std::accumulate(c.stages.begin(), c.stages.end(), int64_t{0}) != blocks) {
    side.fail("/trunk/stages",
              "does not have 4 stages of " + std::to_string(blocks) + " blocks in all");
  }
  if (c.window_spec.size() != 4 || c.window_spec[0] == 0)
    side.fail("/trunk/window_spec", "does not have 4 windows");
  if (std::any_of(c.global_att_blocks.begin(), c.global_att_blocks.end(),
                  [&](int64_t b) { return b >= blocks; })) {
    side.fail("/trunk/global_att_blocks", "names a block beyond the " + std::to_string(blocks));
  }
  const auto divides = [&](const char* key, int64_t heads, int64_t dim) {
    if (dim % heads != 0) side.fail(key, "does not divide the width " + std::to_string(dim));
  };
  divides("/trunk/num_heads", c.num_heads, c.embed_dim);
  divides("/memory_attention/num_heads", c.memory_heads, c.d_model);
  divides("/mask_decoder/num_heads", c.decoder_heads, c.d_model / 2);
  return c;
}

}  // namespace

Sam2Config official_sam2(const std::string& version, const std::string& variant) {
  Sam2Config c;
  c.version = version;
  c.variant = variant;
  if (variant == "tiny" || variant == "small") {
    c.embed_dim = 96;
    c.num_heads = 1;
    c.stages =
        variant == "tiny" ? std::vector<int64_t>{1, 2, 7, 2} : std::vector<int64_t>{1, 2, 11, 2};
    c.global_att_blocks =
        variant == "tiny" ? std::vector<int64_t>{5, 7, 9} : std::vector<int64_t>{7, 10, 13};
    c.window_spec = {8, 4, 14, 7};
  } else if (variant == "base-plus") {
    c.embed_dim = 112;
    c.num_heads = 2;
    c.stages = {2, 3, 16, 3};
    c.global_att_blocks = {12, 16, 20};
    c.window_spec = {8, 4, 14, 7};
    c.background = {14, 14};
  } else if (variant == "large") {
    c.embed_dim = 144;
    c.num_heads = 2;
    c.stages = {2, 6, 36, 4};
    c.global_att_blocks = {23, 33, 43};
    c.window_spec = {8, 4, 16, 8};
  } else {
    throw Error(ErrorKind::kInvalidArgument, "SAM 2 has no variant " + quote(variant));
  }
  return c;
}

bool is_sam2(const SourceTensors& tensors) {
  return tensors.count(kPatchEmbed) > 0 && tensors.count("maskmem_tpos_enc") > 0;
}

Sam2Config read_sam2_config(const Inputs& inputs) {
  const std::string version = inputs.has("no_obj_embed_spatial") ? "2.1" : "2";
  const int64_t width = inputs.length(kPatchEmbed, 0);
  const int64_t blocks = inputs.count("image_encoder.trunk.blocks.", ".norm1.weight");
  for (const char* variant : {"tiny", "small", "base-plus", "large"}) {
    const Sam2Config c = official_sam2(version, variant);
    if (c.embed_dim == width &&
        std::accumulate(c.stages.begin(), c.stages.end(), int64_t{0}) == blocks)
      return c;
  }
  std::filesystem::path beside = inputs.checkpoint().path();
  beside.replace_extension(".json");
  const auto side = SideFile::open(beside);
  if (!side) {
    inputs.checkpoint().fail(
        "is a SAM 2 of width " + std::to_string(width) + " with " + std::to_string(blocks) +
        " blocks, which is no official variant, and " + beside.filename().string() +
        " with its hyper-parameters is not beside it");
  }
  return read_custom(inputs, *side, version);
}

NameTable sam2_tensors(const Sam2Config& config) {
  NameTable table;
  image_encoder(table, config);
  memory(table, config);
  prompt_encoder(table, config);
  mask_decoder(table, config);
  return table;
}

NameTable prepare_sam2(Inputs& inputs, compute::GgufWriter& writer) {
  for (const auto& [name, tensor] : inputs.checkpoint().tensors())
    inputs.add(name, 0, name, tensor);
  const Sam2Config config = read_sam2_config(inputs);
  write_sam2_metadata(config, writer);
  return sam2_tensors(config);
}

}  // namespace alref::convert
