// SPDX-License-Identifier: Apache-2.0
#include "perception/language_bind/config.h"

#include "compute/metadata.h"

namespace alref::language_bind {
namespace {

constexpr int64_t kMaxSize = 1 << 20;

TowerConfig read_tower(const compute::Metadata& keys, const std::string& name) {
  TowerConfig tower;
  tower.dim = keys.integer(name + ".hidden_size", 1, kMaxSize);
  tower.ffn_dim = keys.integer(name + ".intermediate_size", 1, kMaxSize);
  tower.layers = keys.integer(name + ".layers", 1, 1024);
  tower.heads = keys.integer(name + ".num_heads", 1, 1024);
  tower.eps = static_cast<float>(keys.real(name + ".layer_norm_eps"));
  const std::string activation = keys.text(name + ".hidden_act");
  if (activation != "gelu" && activation != "quick_gelu") {
    keys.fail(name + ".hidden_act", activation, "gelu or quick_gelu");
  }
  tower.quick_gelu = activation == "quick_gelu";
  if (tower.dim % tower.heads != 0) {
    keys.fail(name + ".num_heads", std::to_string(tower.heads),
              "a divisor of " + std::to_string(tower.dim));
  }
  return tower;
}

}  // namespace

Config Config::read(const compute::GgufFile& file) {
  const compute::Metadata keys(file, "language-bind");
  Config config;
  config.projection_dim = keys.integer("projection_dim", 1, kMaxSize);
  config.text = read_tower(keys, "text");
  config.max_tokens = keys.integer("text.max_position_embeddings", 2, kMaxSize);
  config.vocabulary = keys.integer("text.vocab_size", 2, kMaxSize);
  config.merges = keys.under("tokenizer.ggml").texts("merges");
  config.has_audio = keys.text("modality") == "audio";
  if (!config.has_audio) return config;
  config.audio = read_tower(keys, "vision");
  config.patch = keys.integer("vision.patch_size", 1, 1024);
  config.mel_bins = keys.integer("audio.num_mel_bins", 1, 1024);
  config.frames = keys.integer("audio.target_length", 1, kMaxSize);
  config.mean = static_cast<float>(keys.real("audio.mean"));
  config.std = static_cast<float>(keys.real("audio.std"));
  keys.integer("audio.sample_rate", 16000, 16000);
  for (const auto& [key, value] :
       {std::pair{"audio.num_mel_bins", config.mel_bins}, {"audio.target_length", config.frames}}) {
    if (value % config.patch != 0) {
      keys.fail(key, std::to_string(value), "a multiple of " + std::to_string(config.patch));
    }
  }
  return config;
}

}  // namespace alref::language_bind
