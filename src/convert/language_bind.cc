// SPDX-License-Identifier: Apache-2.0
// Names and shapes of PKU-YuanGroup/LanguageBind's Hugging Face files (languagebind/audio,
// languagebind/image).
#include "convert/language_bind.h"

#include "alref/error.h"

#include <utility>

#include "convert/side_file.h"
#include "convert/vocabulary.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

constexpr const char* kTokens = "text_model.embeddings.token_embedding.weight";
constexpr const char* kPatches = "vision_model.embeddings.patch_embedding.weight";
constexpr int64_t kTokensBesideMerges =
    2 * 256 + 2;  // bytes, bytes at a word's end, start and end of text

void layers(NameTable& t, const std::string& name, const TowerConfig& c) {
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = name + ".encoder.layers." + std::to_string(i);
    for (const char* part : {".q_proj", ".k_proj", ".v_proj", ".out_proj"}) {
      t.linear(layer + ".self_attn" + part, c.hidden_size, c.hidden_size);
    }
    t.norm(layer + ".layer_norm1", c.hidden_size);
    t.linear(layer + ".mlp.fc1", c.intermediate_size, c.hidden_size);
    t.linear(layer + ".mlp.fc2", c.hidden_size, c.intermediate_size);
    t.norm(layer + ".layer_norm2", c.hidden_size);
  }
}

/// Of the patches and the class token.
int64_t vision_positions(const LanguageBindConfig& c) {
  const int64_t patch = c.vision->patch_size;
  if (c.audio) return (c.audio->num_mel_bins / patch) * (c.audio->target_length / patch) + 1;
  return (c.vision->image_size / patch) * (c.vision->image_size / patch) + 1;
}

/// Sizes from shapes; heads and activation from config.json, whose missing keys have the class's
/// defaults.
TowerConfig read_tower(const Inputs& in, const SideFile& config, const std::string& name,
                       const std::string& section, int64_t default_heads) {
  TowerConfig c;
  const std::string first = name + ".encoder.layers.0.mlp.fc1.weight";
  c.hidden_size = in.length(first, 1);
  c.intermediate_size = in.length(first, 0);
  c.layers = in.count(name + ".encoder.layers.", ".layer_norm1.weight");
  const std::string heads = section + "/num_attention_heads";
  c.num_heads = config.has(heads) ? config.integer(heads) : default_heads;
  if (c.hidden_size % c.num_heads != 0)
    config.fail(heads, "does not divide the width " + std::to_string(c.hidden_size));
  if (config.has(section + "/hidden_act")) c.hidden_act = config.text(section + "/hidden_act");
  if (c.hidden_act != "gelu" && c.hidden_act != "quick_gelu") {
    config.fail(section + "/hidden_act",
                "is " + quote(c.hidden_act) + ", expected gelu or quick_gelu");
  }
  if (config.has(section + "/layer_norm_eps"))
    c.layer_norm_eps = config.real(section + "/layer_norm_eps");
  return c;
}

LanguageBindConfig read_config(const Inputs& in) {
  const auto folder = in.checkpoint().path().parent_path();
  const auto config = SideFile::open(folder / "config.json");
  if (!config)
    in.checkpoint().fail("is a LanguageBind, and config.json with its options is not beside it");
  constexpr int64_t kTextHeads = 8, kVisionHeads = 12;  // defaults of configuration_audio.py
  LanguageBindConfig c;
  c.text = read_tower(in, *config, "text_model", "/text_config", kTextHeads);
  c.vocab_size = in.length(kTokens, 0);
  c.max_positions = in.length("text_model.embeddings.position_embedding.weight", 0);
  c.projection_dim = in.length("text_projection.weight", 0);
  if (!in.has(kPatches)) return c;
  LanguageBindConfig::Vision vision;
  vision.tower = read_tower(in, *config, "vision_model", "/vision_config", kVisionHeads);
  vision.patch_size = in.length(kPatches, 2);
  if (config->has("/vision_config/image_size"))
    vision.image_size = config->integer("/vision_config/image_size");
  c.vision = vision;
  const auto number = [&](const char* key) { return config->has(key) ? config->real(key) : 0.0; };
  if (number("/vision_config/num_mel_bins") > 0) {
    LanguageBindConfig::Audio audio;
    audio.num_mel_bins = config->integer("/vision_config/num_mel_bins");
    audio.target_length = config->integer("/vision_config/target_length");
    if (config->has("/vision_config/audio_sample_rate")) {
      audio.sample_rate = config->integer("/vision_config/audio_sample_rate");
    }
    audio.mean = config->real("/vision_config/audio_mean");
    audio.std = config->real("/vision_config/audio_std");
    c.audio = audio;
  }
  return c;
}

std::vector<std::string> read_merges(const Inputs& in, int64_t vocab_size) {
  const std::filesystem::path beside = in.checkpoint().path().parent_path() / "merges.txt";
  auto merges = read_lines(beside);
  if (merges) {
    std::erase_if(*merges, [](const std::string& line) {
      return line.empty() || line.starts_with("#version");
    });
  } else {
    merges = clip_merges();
  }
  if (static_cast<int64_t>(merges->size()) + kTokensBesideMerges != vocab_size) {
    in.checkpoint().fail(
        "has " + std::to_string(vocab_size) + " tokens, which " + std::to_string(merges->size()) +
        " merges do not make" +
        (std::filesystem::exists(beside) ? "" : ", and merges.txt is not beside it"));
  }
  return *merges;
}

void write_tower(const std::string& prefix, const TowerConfig& c, compute::GgufWriter& w) {
  w.set_integer(prefix + ".hidden_size", c.hidden_size);
  w.set_integer(prefix + ".intermediate_size", c.intermediate_size);
  w.set_integer(prefix + ".layers", c.layers);
  w.set_integer(prefix + ".num_heads", c.num_heads);
  w.set_text(prefix + ".hidden_act", c.hidden_act);
  w.set_real(prefix + ".layer_norm_eps", c.layer_norm_eps);
}

void write_metadata(const LanguageBindConfig& c, compute::GgufWriter& w) {
  const std::string p = "language-bind.";
  const std::string variant = c.is_official() ? c.modality() : "custom";
  w.set_text("general.architecture", "language-bind");
  w.set_text("general.name", p.substr(0, p.size() - 1) + "-" + variant);
  w.set_text(p + "variant", variant);
  w.set_text(p + "modality", c.modality());
  w.set_integer(p + "projection_dim", c.projection_dim);
  write_tower(p + "text", c.text, w);
  w.set_integer(p + "text.max_position_embeddings", c.max_positions);
  w.set_integer(p + "text.vocab_size", c.vocab_size);
  if (c.vision) {
    write_tower(p + "vision", c.vision->tower, w);
    w.set_integer(p + "vision.patch_size", c.vision->patch_size);
    w.set_integer(p + "vision.image_size", c.vision->image_size);
  }
  if (c.audio) {
    w.set_integer(p + "audio.num_mel_bins", c.audio->num_mel_bins);
    w.set_integer(p + "audio.target_length", c.audio->target_length);
    w.set_integer(p + "audio.sample_rate", c.audio->sample_rate);
    w.set_real(p + "audio.mean", c.audio->mean);
    w.set_real(p + "audio.std", c.audio->std);
  }
}

}  // namespace

bool LanguageBindConfig::is_official() const {
  return vision && vision->tower.hidden_size == 1024 && vision->tower.layers == 24 &&
         text.hidden_size == 768 && text.layers == 12;
}

LanguageBindConfig official_language_bind(const std::string& modality) {
  LanguageBindConfig c;
  c.text = {768, 3072, 12, 12, "gelu", 1e-5};
  c.vision = LanguageBindConfig::Vision{{1024, 4096, 24, 16, "gelu", 1e-5}};
  if (modality == "audio") c.audio = LanguageBindConfig::Audio{};
  return c;
}

bool is_language_bind(const SourceTensors& tensors) {
  return tensors.count(kTokens) > 0 && tensors.count("text_projection.weight") > 0;
}

NameTable language_bind_tensors(const LanguageBindConfig& c) {
  NameTable t;
  t.keep("logit_scale", {});
  t.matrix(kTokens, {c.vocab_size, c.text.hidden_size});
  t.keep("text_model.embeddings.position_embedding.weight", {c.max_positions, c.text.hidden_size});
  layers(t, "text_model", c.text);
  t.norm("text_model.final_layer_norm", c.text.hidden_size);
  t.linear("text_projection", c.projection_dim, c.text.hidden_size, /*bias=*/false);
  if (!c.vision) return t;
  const int64_t dim = c.vision->tower.hidden_size;
  t.keep("vision_model.embeddings.class_embedding", {dim});
  t.kernel(kPatches, {dim, 3, c.vision->patch_size, c.vision->patch_size});
  t.keep("vision_model.embeddings.position_embedding.weight", {vision_positions(c), dim});
  t.norm("vision_model.pre_layrnorm", dim);  // spelled so by its authors
  layers(t, "vision_model", c.vision->tower);
  t.norm("vision_model.post_layernorm", dim);
  t.linear("visual_projection", c.projection_dim, dim, /*bias=*/false);
  return t;
}

NameTable prepare_language_bind(Inputs& inputs, compute::GgufWriter& writer) {
  for (const auto& [name, tensor] : inputs.checkpoint().tensors()) {
    if (!name.ends_with(".position_ids")) inputs.add(name, 0, name, tensor);
  }
  const LanguageBindConfig config = read_config(inputs);
  const auto merges = read_merges(inputs, config.vocab_size);
  write_metadata(config, writer);
  writer.set_text("tokenizer.ggml.model", "clip");
  writer.set_texts("tokenizer.ggml.merges", merges);
  return language_bind_tensors(config);
}

}  // namespace alref::convert
