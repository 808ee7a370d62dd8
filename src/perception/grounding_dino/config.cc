// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/config.h"

#include <algorithm>

#include "compute/metadata.h"

namespace alref::grounding_dino {

using compute::Metadata;

namespace {

constexpr int64_t kMaxSize =
    1 << 20;  // no real model comes near; products of two still fit 64 bits
constexpr int64_t kMaxLayers = 256;

float positive(const Metadata& keys, const std::string& key) {
  const double value = keys.real(key);
  if (!(value > 0 && value < 1e9)) keys.fail(key, std::to_string(value), "a positive number");
  return static_cast<float>(value);
}

float probability(const Metadata& keys, const std::string& key) {
  const double value = keys.real(key);
  if (!(value >= 0 && value <= 1)) keys.fail(key, std::to_string(value), "from 0 to 1");
  return static_cast<float>(value);
}

int64_t heads_of(const Metadata& keys, const std::string& key, int64_t width) {
  const int64_t heads = keys.integer(key, 1, kMaxSize);
  if (width % heads != 0) {
    keys.fail(key, std::to_string(heads), "a divisor of " + std::to_string(width));
  }
  return heads;
}

Config::Swin read_swin(const Metadata& keys) {
  Config::Swin swin;
  swin.embed_dim = keys.integer("swin.embed_dim", 1, 4096);
  swin.depths = keys.integers("swin.depths", 0, 1, kMaxLayers);
  if (swin.depths.empty() || swin.depths.size() > 8) {
    keys.fail("swin.depths", std::to_string(swin.depths.size()) + " numbers", "1 to 8");
  }
  swin.heads = keys.integers("swin.num_heads", swin.depths.size(), 1, kMaxSize);
  for (size_t i = 0; i < swin.heads.size(); ++i) {
    const int64_t channels = swin.channels(static_cast<int64_t>(i));
    if (channels % swin.heads[i] != 0) {
      keys.fail("swin.num_heads", std::to_string(swin.heads[i]),
                "a divisor of " + std::to_string(channels));
    }
  }
  swin.window = keys.integer("swin.window_size", 1, 64);
  swin.mlp_ratio = positive(keys, "swin.mlp_ratio");
  swin.out_indices =
      keys.integers("swin.out_indices", 0, 0, static_cast<int64_t>(swin.depths.size()) - 1);
  const auto not_above = [](int64_t a, int64_t b) { return a >= b; };
  if (swin.out_indices.empty() ||
      std::adjacent_find(swin.out_indices.begin(), swin.out_indices.end(), not_above) !=
          swin.out_indices.end()) {
    keys.fail("swin.out_indices", "another list", "ascending stages");
  }
  return swin;
}

Config::Bert read_bert(const Metadata& keys) {
  Config::Bert bert;
  bert.hidden = keys.integer("bert.hidden_size", 1, kMaxSize);
  bert.layers = keys.integer("bert.layers", 1, kMaxLayers);
  bert.heads = heads_of(keys, "bert.num_heads", bert.hidden);
  bert.intermediate = keys.integer("bert.intermediate_size", 1, kMaxSize);
  bert.vocabulary = keys.integer("bert.vocab_size", 1, 1 << 24);
  bert.max_positions = keys.integer("bert.max_position_embeddings", 1, kMaxSize);
  bert.token_types = keys.integer("bert.type_vocab_size", 1, kMaxSize);
  bert.norm_eps = positive(keys, "bert.layer_norm_eps");
  return bert;
}

}  // namespace

Config Config::read(const compute::GgufFile& file) {
  const Metadata keys(file, "grounding-dino");
  Config c;
  c.swin = read_swin(keys);
  c.bert = read_bert(keys);
  c.d_model = keys.integer("d_model", 32, kMaxSize);
  if (c.d_model % 32 != 0) keys.fail("d_model", std::to_string(c.d_model), "a multiple of 32");
  c.heads = heads_of(keys, "num_heads", c.d_model);
  c.feedforward = keys.integer("dim_feedforward", 1, kMaxSize);
  c.encoder_layers = keys.integer("encoder_layers", 1, kMaxLayers);
  c.decoder_layers = keys.integer("decoder_layers", 1, kMaxLayers);
  c.levels = keys.integer("num_feature_levels", static_cast<int64_t>(c.swin.out_indices.size()), 8);
  c.encoder_points = keys.integer("enc_n_points", 1, 64);
  c.decoder_points = keys.integer("dec_n_points", 1, 64);
  c.fusion_dim = keys.integer("fusion.dim", 1, kMaxSize);
  c.fusion_heads = heads_of(keys, "fusion.num_heads", c.fusion_dim);
  c.text_heads = heads_of(keys, "text_enhancer.num_heads", c.d_model);
  c.text_feedforward = keys.integer("text_enhancer.dim_feedforward", 1, kMaxSize);
  c.queries = keys.integer("num_queries", 1, 100000);
  c.max_text_tokens = keys.integer("max_text_len", 3, c.bert.max_positions);
  c.position_temperature = positive(keys, "position_temperature");
  c.short_side = keys.integer("image.short_side", 1, 16384);
  c.max_side = keys.integer("image.max_side", c.short_side, 16384);
  c.mean = keys.colour("image.mean");
  c.std = keys.colour("image.std");
  for (float s : c.std) {
    if (!(s > 0)) keys.fail("image.std", std::to_string(s), "a positive number");
  }
  c.box_threshold = probability(keys, "box_threshold");
  c.text_threshold = probability(keys, "text_threshold");
  return c;
}

}  // namespace alref::grounding_dino
