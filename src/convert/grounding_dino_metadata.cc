// SPDX-License-Identifier: Apache-2.0
#include "convert/grounding_dino.h"

namespace alref::convert {

void write_grounding_dino_metadata(const GroundingDinoConfig& c, compute::GgufWriter& w) {
  const std::string p = "grounding-dino.";
  w.set_text("general.architecture", "grounding-dino");
  w.set_text("general.name", "grounding-dino-" + c.variant);
  w.set_text(p + "variant", c.variant);
  w.set_integer(p + "swin.embed_dim", c.embed_dim);
  w.set_integers(p + "swin.depths", c.depths);
  w.set_integers(p + "swin.num_heads", c.swin_heads);
  w.set_integer(p + "swin.window_size", c.window_size);
  w.set_real(p + "swin.mlp_ratio", static_cast<double>(c.mlp_ratio));
  std::vector<int64_t> outputs;
  for (size_t s = 1; s < c.depths.size(); ++s) outputs.push_back(static_cast<int64_t>(s));
  w.set_integers(p + "swin.out_indices", outputs);
  w.set_integer(p + "d_model", c.d_model);
  w.set_integer(p + "num_heads", c.num_heads);
  w.set_integer(p + "dim_feedforward", c.dim_feedforward);
  w.set_integer(p + "encoder_layers", c.encoder_layers);
  w.set_integer(p + "decoder_layers", c.decoder_layers);
  w.set_integer(p + "num_feature_levels", c.feature_levels);
  w.set_integer(p + "enc_n_points", c.encoder_points);
  w.set_integer(p + "dec_n_points", c.decoder_points);
  w.set_integer(p + "fusion.num_heads", c.fusion_heads);
  w.set_integer(p + "fusion.dim", c.fusion_dim);
  w.set_integer(p + "text_enhancer.num_heads", c.text_heads);
  w.set_integer(p + "text_enhancer.dim_feedforward", c.text_dim_feedforward);
  w.set_integer(p + "num_queries", c.num_queries);
  w.set_integer(p + "max_text_len", c.max_text_len);
  w.set_real(p + "position_temperature", c.position_temperature);
  w.set_integer(p + "image.short_side", c.short_side);
  w.set_integer(p + "image.max_side", c.max_side);
  w.set_reals(p + "image.mean", c.image_mean);
  w.set_reals(p + "image.std", c.image_std);
  w.set_real(p + "box_threshold", c.box_threshold);
  w.set_real(p + "text_threshold", c.text_threshold);
  w.set_integer(p + "bert.hidden_size", c.bert_hidden_size);
  w.set_integer(p + "bert.layers", c.bert_layers);
  w.set_integer(p + "bert.num_heads", c.bert_heads);
  w.set_integer(p + "bert.intermediate_size", c.bert_intermediate_size);
  w.set_integer(p + "bert.vocab_size", c.bert_vocab_size);
  w.set_integer(p + "bert.max_position_embeddings", c.bert_max_positions);
  w.set_integer(p + "bert.type_vocab_size", c.bert_types);
  w.set_real(p + "bert.layer_norm_eps", c.bert_layer_norm_eps);
}

}  // namespace alref::convert
