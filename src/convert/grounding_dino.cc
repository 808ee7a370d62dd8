// SPDX-License-Identifier: Apache-2.0
// Names and shapes of IDEA-Research/GroundingDINO (groundingdino/models/GroundingDINO), sizes of
// its config folder.
#include "convert/grounding_dino.h"

#include "alref/error.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <tuple>

#include "convert/side_file.h"
#include "convert/vocabulary.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

constexpr const char* kPatchEmbed = "backbone.0.patch_embed.proj.weight";
constexpr const char* kHfPatchEmbed =
    "model.backbone.conv_encoder.model.embeddings.patch_embeddings.projection.weight";

std::string join(const std::string& prefix, int64_t index) {
  return prefix + "." + std::to_string(index);
}

void swin(NameTable& t, const GroundingDinoConfig& c) {
  t.conv("backbone.0.patch_embed.proj", c.embed_dim, 3, 4, 4);
  t.norm("backbone.0.patch_embed.norm", c.embed_dim);
  const auto stages = static_cast<int64_t>(c.depths.size());
  const int64_t offsets = 2 * c.window_size - 1;
  for (int64_t s = 0; s < stages; ++s) {
    const std::string stage = join("backbone.0.layers", s);
    const int64_t dim = c.embed_dim << s;
    for (int64_t b = 0; b < c.depths[static_cast<size_t>(s)]; ++b) {
      const std::string block = join(stage + ".blocks", b);
      t.norm(block + ".norm1", dim);
      t.keep(block + ".attn.relative_position_bias_table",
             {offsets * offsets, c.swin_heads[static_cast<size_t>(s)]});
      t.linear(block + ".attn.qkv", 3 * dim, dim);
      t.linear(block + ".attn.proj", dim, dim);
      t.norm(block + ".norm2", dim);
      t.linear(block + ".mlp.fc1", c.mlp_ratio * dim, dim);
      t.linear(block + ".mlp.fc2", dim, c.mlp_ratio * dim);
    }
    if (s + 1 < stages) {
      t.linear(stage + ".downsample.reduction", 2 * dim, 4 * dim, /*bias=*/false);
      t.norm(stage + ".downsample.norm", 4 * dim);
    }
    if (s > 0) t.norm("backbone.0.norm" + std::to_string(s), dim);
  }
  for (int64_t level = 0; level < c.feature_levels; ++level) {
    const std::string proj = join("input_proj", level);
    const bool of_backbone = level < stages - 1;
    const int64_t in = of_backbone           ? c.embed_dim << (level + 1)
                       : level == stages - 1 ? c.embed_dim << (stages - 1)
                                             : c.d_model;
    t.conv(proj + ".0", c.d_model, in, of_backbone ? 1 : 3, of_backbone ? 1 : 3);
    t.norm(proj + ".1", c.d_model);
  }
}

void bert(NameTable& t, const GroundingDinoConfig& c) {
  const int64_t dim = c.bert_hidden_size;
  t.matrix("bert.embeddings.word_embeddings.weight", {c.bert_vocab_size, dim});
  t.keep("bert.embeddings.position_embeddings.weight", {c.bert_max_positions, dim});
  t.keep("bert.embeddings.token_type_embeddings.weight", {c.bert_types, dim});
  t.norm("bert.embeddings.LayerNorm", dim);
  for (int64_t i = 0; i < c.bert_layers; ++i) {
    const std::string layer = join("bert.encoder.layer", i);
    for (const char* part : {".query", ".key", ".value"})
      t.linear(layer + ".attention.self" + part, dim, dim);
    t.linear(layer + ".attention.output.dense", dim, dim);
    t.norm(layer + ".attention.output.LayerNorm", dim);
    t.linear(layer + ".intermediate.dense", c.bert_intermediate_size, dim);
    t.linear(layer + ".output.dense", dim, c.bert_intermediate_size);
    t.norm(layer + ".output.LayerNorm", dim);
  }
  t.linear("feat_map", c.d_model, dim);
}

void deformable_attention(NameTable& t, const std::string& name, const GroundingDinoConfig& c,
                          int64_t points) {
  const int64_t samples = c.num_heads * c.feature_levels * points;
  t.linear(name + ".sampling_offsets", 2 * samples, c.d_model);
  t.linear(name + ".attention_weights", samples, c.d_model);
  t.linear(name + ".value_proj", c.d_model, c.d_model);
  t.linear(name + ".output_proj", c.d_model, c.d_model);
}

/// nn.MultiheadAttention.
void attention(NameTable& t, const std::string& name, int64_t dim) {
  t.matrix(name + ".in_proj_weight", {3 * dim, dim});
  t.keep(name + ".in_proj_bias", {3 * dim});
  t.linear(name + ".out_proj", dim, dim);
}

void feed_forward(NameTable& t, const std::string& name, int64_t dim, int64_t hidden) {
  t.linear(name + ".linear1", hidden, dim);
  t.linear(name + ".linear2", dim, hidden);
}

void encoder(NameTable& t, const GroundingDinoConfig& c) {
  const int64_t d = c.d_model;
  t.keep("transformer.level_embed", {c.feature_levels, d});
  for (int64_t i = 0; i < c.encoder_layers; ++i) {
    const std::string layer = join("transformer.encoder.layers", i);
    deformable_attention(t, layer + ".self_attn", c, c.encoder_points);
    feed_forward(t, layer, d, c.dim_feedforward);
    t.norm(layer + ".norm1", d);
    t.norm(layer + ".norm2", d);

    const std::string text = join("transformer.encoder.text_layers", i);
    attention(t, text + ".self_attn", d);
    feed_forward(t, text, d, c.text_dim_feedforward);
    t.norm(text + ".norm1", d);
    t.norm(text + ".norm2", d);

    const std::string fusion = join("transformer.encoder.fusion_layers", i);
    t.keep(fusion + ".gamma_v", {d});
    t.keep(fusion + ".gamma_l", {d});
    t.norm(fusion + ".layer_norm_v", d);
    t.norm(fusion + ".layer_norm_l", d);
    for (const char* in : {".v_proj", ".l_proj", ".values_v_proj", ".values_l_proj"}) {
      t.linear(fusion + ".attn" + in, c.fusion_dim, d);
    }
    t.linear(fusion + ".attn.out_v_proj", d, c.fusion_dim);
    t.linear(fusion + ".attn.out_l_proj", d, c.fusion_dim);
  }
  t.linear("transformer.enc_output", d, d);
  t.norm("transformer.enc_output_norm", d);
  t.mlp("transformer.enc_out_bbox_embed", d, d, 4, 3);
}

void decoder(NameTable& t, const GroundingDinoConfig& c) {
  const int64_t d = c.d_model;
  t.keep("transformer.tgt_embed.weight", {c.num_queries, d});
  for (int64_t i = 0; i < c.decoder_layers; ++i) {
    const std::string layer = join("transformer.decoder.layers", i);
    deformable_attention(t, layer + ".cross_attn", c, c.decoder_points);
    attention(t, layer + ".ca_text", d);
    attention(t, layer + ".self_attn", d);
    feed_forward(t, layer, d, c.dim_feedforward);
    for (const char* norm : {".norm1", ".norm2", ".norm3", ".catext_norm"}) t.norm(layer + norm, d);
  }
  t.norm("transformer.decoder.norm", d);
  t.mlp("transformer.decoder.ref_point_head", 2 * d, d, d, 2);
  t.mlp("bbox_embed.0", d, d, 4, 3);  // one for all decoder layers
}

/// The backbone's sizes, by which the official variants are known.
GroundingDinoConfig read_backbone(const Inputs& in) {
  GroundingDinoConfig c;
  c.embed_dim = in.length(kPatchEmbed, 0);
  for (int64_t s = 0;; ++s) {
    const std::string stage = join("backbone.0.layers", s);
    const int64_t blocks = in.count(stage + ".blocks.", ".norm1.weight");
    if (blocks == 0) break;
    c.depths.push_back(blocks);
    const std::string table = stage + ".blocks.0.attn.relative_position_bias_table";
    c.swin_heads.push_back(in.length(table, 1));
    const auto side =
        static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(in.length(table, 0)))));
    c.window_size = (side + 1) / 2;
  }
  return c;
}

/// All other sizes that shapes tell.
void read_shapes(const Inputs& in, GroundingDinoConfig& c) {
  if (c.depths.size() < 2) {
    in.checkpoint().fail("has a Swin backbone of " + std::to_string(c.depths.size()) + " stages");
  }
  c.mlp_ratio = in.length("backbone.0.layers.0.blocks.0.mlp.fc1.weight", 0) / c.embed_dim;
  c.d_model = in.length("transformer.level_embed", 1);
  c.feature_levels = in.length("transformer.level_embed", 0);
  c.dim_feedforward = in.length("transformer.encoder.layers.0.linear1.weight", 0);
  c.encoder_layers = in.count("transformer.encoder.layers.", ".norm1.weight");
  c.decoder_layers = in.count("transformer.decoder.layers.", ".norm1.weight");
  c.fusion_dim = in.length("transformer.encoder.fusion_layers.0.attn.v_proj.weight", 0);
  c.text_dim_feedforward = in.length("transformer.encoder.text_layers.0.linear1.weight", 0);
  c.num_queries = in.length("transformer.tgt_embed.weight", 0);
  c.bert_hidden_size = in.length("bert.embeddings.word_embeddings.weight", 1);
  c.bert_vocab_size = in.length("bert.embeddings.word_embeddings.weight", 0);
  c.bert_max_positions = in.length("bert.embeddings.position_embeddings.weight", 0);
  c.bert_types = in.length("bert.embeddings.token_type_embeddings.weight", 0);
  c.bert_layers = in.count("bert.encoder.layer.", ".output.dense.weight");
  c.bert_intermediate_size = in.length("bert.encoder.layer.0.intermediate.dense.weight", 0);
}

/// What the trainer of this repository writes beside its checkpoints (training/README.md).
void read_side_file(const SideFile& side, GroundingDinoConfig& c) {
  c.num_heads = side.integer("/num_heads");
  c.encoder_points = side.integer("/enc_n_points");
  c.decoder_points = side.integer("/dec_n_points");
  c.fusion_heads = side.integer("/fusion/num_heads");
  c.text_heads = side.integer("/text_enhancer/num_heads");
  c.max_text_len = side.integer("/max_text_len");
  c.position_temperature = side.real("/position_temperature");
  c.short_side = side.integer("/image/short_side");
  c.max_side = side.integer("/image/max_side");
  c.image_mean = side.reals("/image/mean");
  c.image_std = side.reals("/image/std");
  c.box_threshold = side.real("/box_threshold");
  c.text_threshold = side.real("/text_threshold");
  c.bert_heads = side.integer("/bert/num_heads");
  c.bert_layer_norm_eps = side.real("/bert/layer_norm_eps");
  const auto divides = [&](const char* key, int64_t heads, int64_t dim) {
    if (dim % heads != 0) side.fail(key, "does not divide the width " + std::to_string(dim));
  };
  divides("/num_heads", c.num_heads, c.d_model);
  divides("/fusion/num_heads", c.fusion_heads, c.fusion_dim);
  divides("/text_enhancer/num_heads", c.text_heads, c.d_model);
  divides("/bert/num_heads", c.bert_heads, c.bert_hidden_size);
}

/// Hugging Face's config.json and preprocessor_config.json.
void read_hugging_face_files(const std::filesystem::path& folder, const SideFile& config,
                             GroundingDinoConfig& c) {
  c.num_heads = config.integer("/encoder_attention_heads");
  if (config.integer("/decoder_attention_heads") != c.num_heads) {
    config.fail("/decoder_attention_heads",
                "differs from encoder_attention_heads, expected the same");
  }
  c.encoder_points = config.integer("/encoder_n_points");
  c.decoder_points = config.integer("/decoder_n_points");
  c.fusion_heads = c.text_heads = std::max<int64_t>(c.num_heads / 2, 1);
  c.max_text_len = config.integer("/max_text_len");
  c.position_temperature = config.real("/positional_embedding_temperature");
  if (config.has("/text_config/num_attention_heads"))
    c.bert_heads = config.integer("/text_config/num_attention_heads");
  if (config.has("/text_config/layer_norm_eps"))
    c.bert_layer_norm_eps = config.real("/text_config/layer_norm_eps");
  if (const auto images = SideFile::open(folder / "preprocessor_config.json")) {
    if (images->has("/size/shortest_edge")) c.short_side = images->integer("/size/shortest_edge");
    if (images->has("/size/longest_edge")) c.max_side = images->integer("/size/longest_edge");
    if (images->has("/image_mean")) c.image_mean = images->reals("/image_mean");
    if (images->has("/image_std")) c.image_std = images->reals("/image_std");
  }
}

GroundingDinoConfig read_config(const Inputs& inputs, bool hugging_face) {
  const GroundingDinoConfig found = read_backbone(inputs);
  const std::filesystem::path path = inputs.checkpoint().path();
  GroundingDinoConfig c = found;
  bool known = false;
  for (const char* variant : {"swin-t", "swin-b"}) {
    const GroundingDinoConfig official = official_grounding_dino(variant);
    if (official.embed_dim == found.embed_dim && official.depths == found.depths) {
      c = official;
      known = true;
    }
  }
  if (!known) read_shapes(inputs, c);
  if (hugging_face) {
    if (const auto config = SideFile::open(path.parent_path() / "config.json")) {
      read_hugging_face_files(path.parent_path(), *config, c);
      known = true;
    }
  } else if (!known) {
    std::filesystem::path beside = path;
    if (const auto side = SideFile::open(beside.replace_extension(".json"))) {
      read_side_file(*side, c);
      known = true;
    }
  }
  if (!known) {
    inputs.checkpoint().fail(
        "is a GroundingDINO of width " + std::to_string(found.embed_dim) +
        ", which is no official variant, and no file with its hyper-parameters is beside it");
  }
  if (c.image_mean.size() != 3 || c.image_std.size() != 3) {
    inputs.checkpoint().fail("has an image mean or deviation of other than 3 channels");
  }
  return c;
}

/// Buffers and parts that inference does not use: the denoising labels of training, BERT's pooler.
bool is_unused(std::string_view name) {
  return name.ends_with(".relative_position_index") || name.ends_with(".position_ids") ||
         name == "label_enc.weight" || name.starts_with("bert.pooler.");
}

/// "bbox_embed.3.layers.0.weight" and the decoder's own spelling of it stand for
/// "bbox_embed.0.layers.0.weight".
std::string shared_name(std::string_view name) {
  constexpr std::string_view kDecoder = "transformer.decoder.", kBox = "bbox_embed.";
  if (name.starts_with(kDecoder)) name.remove_prefix(kDecoder.size());
  if (!name.starts_with(kBox)) return "";
  std::string_view rest = name.substr(kBox.size());
  while (!rest.empty() && std::isdigit(static_cast<unsigned char>(rest.front())))
    rest.remove_prefix(1);
  return rest.starts_with('.') ? std::string(kBox) + "0" + std::string(rest) : "";
}

void sort_tensors(Inputs& inputs, bool hugging_face) {
  for (const auto& [source_name, tensor] : inputs.checkpoint().tensors()) {
    std::string name = source_name;
    size_t part = 0;
    if (hugging_face) {
      if (auto official = official_grounding_dino_name(source_name))
        std::tie(name, part) = std::move(*official);
    }
    if (is_unused(name)) continue;
    const std::string shared = shared_name(name);
    if (!shared.empty() && inputs.has(shared)) {
      inputs.add_twin(shared, source_name, tensor);
    } else {
      inputs.add(shared.empty() ? name : shared, part, source_name, tensor);
    }
  }
}

}  // namespace

GroundingDinoConfig official_grounding_dino(const std::string& variant) {
  GroundingDinoConfig c;
  c.variant = variant;
  if (variant == "swin-t") {
    c.embed_dim = 96;
    c.depths = {2, 2, 6, 2};
    c.swin_heads = {3, 6, 12, 24};
    c.window_size = 7;
  } else if (variant == "swin-b") {
    c.embed_dim = 128;
    c.depths = {2, 2, 18, 2};
    c.swin_heads = {4, 8, 16, 32};
    c.window_size = 12;
  } else {
    throw Error(ErrorKind::kInvalidArgument, "GroundingDINO has no variant " + quote(variant));
  }
  return c;
}

bool is_grounding_dino(const SourceTensors& tensors) {
  return (tensors.count(kPatchEmbed) > 0 && tensors.count("transformer.level_embed") > 0) ||
         (tensors.count(kHfPatchEmbed) > 0 && tensors.count("model.level_embed") > 0);
}

NameTable grounding_dino_tensors(const GroundingDinoConfig& config) {
  NameTable table;
  swin(table, config);
  bert(table, config);
  encoder(table, config);
  decoder(table, config);
  return table;
}

NameTable prepare_grounding_dino(Inputs& inputs, compute::GgufWriter& writer) {
  const bool hugging_face = inputs.checkpoint().tensors().count(kHfPatchEmbed) > 0;
  sort_tensors(inputs, hugging_face);
  const GroundingDinoConfig config = read_config(inputs, hugging_face);
  const auto wanted = static_cast<size_t>(config.bert_vocab_size);

  const std::filesystem::path beside = inputs.checkpoint().path().parent_path() / "vocab.txt";
  auto vocabulary = read_lines(beside);
  if (vocabulary && vocabulary->size() != wanted) {
    throw Error(ErrorKind::kModel, beside.string() + ": has " + std::to_string(vocabulary->size()) +
                                       " lines, expected " + std::to_string(wanted));
  }
  if (!vocabulary) vocabulary = bert_uncased_vocabulary();
  if (vocabulary->size() != wanted) {
    inputs.checkpoint().fail("has a vocabulary of " + std::to_string(wanted) +
                             " pieces, and vocab.txt is not beside it");
  }
  write_grounding_dino_metadata(config, writer);
  writer.set_text("tokenizer.ggml.model", "bert");
  writer.set_texts("tokenizer.ggml.tokens", *vocabulary);
  return grounding_dino_tensors(config);
}

}  // namespace alref::convert
