// SPDX-License-Identifier: Apache-2.0
// Names of Hugging Face's GroundingDinoForObjectDetection (transformers 4.57) and what they are
// officially.
#include <cctype>
#include <span>

#include "convert/grounding_dino.h"

namespace alref::convert {
namespace {

struct Rule {
  std::string_view from;
  std::string_view to;
  size_t part = 0;
};

/// Names outside the layers: the first rule whose `from` begins the name replaces it.
constexpr Rule kPrefixes[] = {
    {"model.backbone.conv_encoder.model.embeddings.patch_embeddings.projection.",
     "backbone.0.patch_embed.proj."},
    {"model.backbone.conv_encoder.model.embeddings.norm.", "backbone.0.patch_embed.norm."},
    {"model.backbone.conv_encoder.model.hidden_states_norms.stage2.", "backbone.0.norm1."},
    {"model.backbone.conv_encoder.model.hidden_states_norms.stage3.", "backbone.0.norm2."},
    {"model.backbone.conv_encoder.model.hidden_states_norms.stage4.", "backbone.0.norm3."},
    {"model.input_proj_vision.", "input_proj."},
    {"model.text_backbone.", "bert."},
    {"model.text_projection.", "feat_map."},
    {"model.query_position_embeddings.", "transformer.tgt_embed."},
    {"model.level_embed", "transformer.level_embed"},
    {"model.enc_output", "transformer.enc_output"},
    {"model.encoder_output_bbox_embed.", "transformer.enc_out_bbox_embed."},
    {"model.decoder.layer_norm.", "transformer.decoder.norm."},
    {"model.decoder.reference_points_head.", "transformer.decoder.ref_point_head."},
    {"model.decoder.bbox_embed.", "transformer.decoder.bbox_embed."},
    {"bbox_embed.", "bbox_embed."},
};

constexpr Rule kSwin[] = {
    {"layernorm_before.", "norm1."},
    {"layernorm_after.", "norm2."},
    {"attention.self.relative_position_", "attn.relative_position_"},
    {"attention.self.query.", "attn.qkv.", 0},
    {"attention.self.key.", "attn.qkv.", 1},
    {"attention.self.value.", "attn.qkv.", 2},
    {"attention.output.dense.", "attn.proj."},
    {"intermediate.dense.", "mlp.fc1."},
    {"output.dense.", "mlp.fc2."},
};

constexpr Rule kDeformable[] = {
    {"self_attn_layer_norm.", "norm1."},
    {"self_attn.", "self_attn."},
    {"fc1.", "linear1."},
    {"fc2.", "linear2."},
    {"final_layer_norm.", "norm2."},
};

constexpr Rule kTextEnhancer[] = {
    {"self_attn.query.", "self_attn.in_proj_", 0},
    {"self_attn.key.", "self_attn.in_proj_", 1},
    {"self_attn.value.", "self_attn.in_proj_", 2},
    {"self_attn.out_proj.", "self_attn.out_proj."},
    {"layer_norm_before.", "norm1."},
    {"layer_norm_after.", "norm2."},
    {"fc1.", "linear1."},
    {"fc2.", "linear2."},
};

constexpr Rule kFusion[] = {
    {"vision_param", "gamma_v"},
    {"text_param", "gamma_l"},
    {"layer_norm_vision.", "layer_norm_v."},
    {"layer_norm_text.", "layer_norm_l."},
    {"attn.vision_proj.", "attn.v_proj."},
    {"attn.text_proj.", "attn.l_proj."},
    {"attn.values_vision_proj.", "attn.values_v_proj."},
    {"attn.values_text_proj.", "attn.values_l_proj."},
    {"attn.out_vision_proj.", "attn.out_v_proj."},
    {"attn.out_text_proj.", "attn.out_l_proj."},
};

constexpr Rule kDecoder[] = {
    {"self_attn_layer_norm.", "norm2."},
    {"self_attn.query.", "self_attn.in_proj_", 0},
    {"self_attn.key.", "self_attn.in_proj_", 1},
    {"self_attn.value.", "self_attn.in_proj_", 2},
    {"self_attn.out_proj.", "self_attn.out_proj."},
    {"encoder_attn_text_layer_norm.", "catext_norm."},
    {"encoder_attn_text.query.", "ca_text.in_proj_", 0},
    {"encoder_attn_text.key.", "ca_text.in_proj_", 1},
    {"encoder_attn_text.value.", "ca_text.in_proj_", 2},
    {"encoder_attn_text.out_proj.", "ca_text.out_proj."},
    {"encoder_attn_layer_norm.", "norm1."},
    {"encoder_attn.", "cross_attn."},
    {"fc1.", "linear1."},
    {"fc2.", "linear2."},
    {"final_layer_norm.", "norm3."},
};

using Name = std::optional<std::pair<std::string, size_t>>;

/// Takes "12." off the front of `rest` and gives "12.", or nothing.
std::string take_number(std::string_view& rest) {
  size_t digits = 0;
  while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits]))) ++digits;
  if (digits == 0 || digits == rest.size() || rest[digits] != '.') return "";
  const std::string number(rest.substr(0, digits + 1));
  rest.remove_prefix(digits + 1);
  return number;
}

bool take(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

Name apply(std::span<const Rule> rules, const std::string& scope, std::string_view rest) {
  for (const Rule& rule : rules) {
    if (take(rest, rule.from))
      return std::pair{scope + std::string(rule.to) + std::string(rest), rule.part};
  }
  return std::nullopt;
}

Name swin_layer(std::string_view rest) {
  const std::string stage = take_number(rest);
  const std::string scope = "backbone.0.layers." + stage;
  if (rest.starts_with("downsample.")) return std::pair{scope + std::string(rest), size_t{0}};
  if (!take(rest, "blocks.")) return std::nullopt;
  const std::string block = take_number(rest);
  return apply(kSwin, scope + "blocks." + block, rest);
}

Name encoder_layer(std::string_view rest) {
  const std::string layer = take_number(rest);
  if (take(rest, "deformable_layer."))
    return apply(kDeformable, "transformer.encoder.layers." + layer, rest);
  if (take(rest, "text_enhancer_layer."))
    return apply(kTextEnhancer, "transformer.encoder.text_layers." + layer, rest);
  if (take(rest, "fusion_layer."))
    return apply(kFusion, "transformer.encoder.fusion_layers." + layer, rest);
  return std::nullopt;
}

}  // namespace

std::optional<std::pair<std::string, size_t>> official_grounding_dino_name(std::string_view name) {
  std::string_view rest = name;
  if (take(rest, "model.backbone.conv_encoder.model.encoder.layers.")) return swin_layer(rest);
  if (take(rest, "model.encoder.layers.")) return encoder_layer(rest);
  if (take(rest, "model.decoder.layers.")) {
    const std::string layer = take_number(rest);
    return apply(kDecoder, "transformer.decoder.layers." + layer, rest);
  }
  return apply(kPrefixes, "", name);
}

}  // namespace alref::convert
