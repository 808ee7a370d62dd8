// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/config.h"

#include "alref/error.h"

#include <algorithm>

#include "core/quote.h"

namespace alref::grounding_dino {
namespace {

constexpr int64_t kMaxSize =
    1 << 20;  // no real model comes near; products of two still fit 64 bits

/// Reads keys of one file; each must be there and lie in its range.
class Keys {
 public:
  explicit Keys(const compute::GgufFile& file) : file_(file) {}

  int64_t integer(const std::string& key, int64_t min = 1, int64_t max = kMaxSize) const {
    const std::optional<int64_t> value = file_.integer(prefix(key));
    if (!value) missing(key);
    check(key, *value, min, max);
    return *value;
  }

  std::vector<int64_t> integers(const std::string& key, size_t count, int64_t min = 1,
                                int64_t max = kMaxSize) const {
    const std::optional<std::vector<int64_t>> values = file_.integers(prefix(key));
    if (!values) missing(key);
    if (count != 0 && values->size() != count) {
      fail(key,
           "has " + std::to_string(values->size()) + " entries, expected " + std::to_string(count));
    }
    for (int64_t value : *values) check(key, value, min, max);
    return *values;
  }

  double real(const std::string& key) const {
    const std::optional<double> value = file_.real(prefix(key));
    if (!value) missing(key);
    if (!(*value > 0 && *value < 1e9))
      fail(key, "is " + std::to_string(*value) + ", expected a positive number");
    return *value;
  }

  std::array<float, 3> colour(const std::string& key) const {
    const std::optional<std::vector<double>> values = file_.reals(prefix(key));
    if (!values) missing(key);
    if (values->size() != 3)
      fail(key, "has " + std::to_string(values->size()) + " entries, expected 3");
    return {static_cast<float>((*values)[0]), static_cast<float>((*values)[1]),
            static_cast<float>((*values)[2])};
  }

  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(ErrorKind::kModel, file_.path().string() + ": '" + prefix(key) + "' " + what);
  }

  void divides(const std::string& heads_key, int64_t heads, int64_t width) const {
    if (width % heads != 0) {
      fail(heads_key,
           "is " + std::to_string(heads) + ", which does not divide " + std::to_string(width));
    }
  }

 private:
  static std::string prefix(const std::string& key) { return "grounding-dino." + key; }

  [[noreturn]] void missing(const std::string& key) const { fail(key, "is missing"); }

  void check(const std::string& key, int64_t value, int64_t min, int64_t max) const {
    if (value < min || value > max) {
      fail(key, "is " + std::to_string(value) + ", expected " + std::to_string(min) + " to " +
                    std::to_string(max));
    }
  }

  const compute::GgufFile& file_;
};

Config::Swin read_swin(const Keys& keys) {
  Config::Swin swin;
  swin.embed_dim = keys.integer("swin.embed_dim", 1, 4096);
  swin.depths = keys.integers("swin.depths", 0, 1, 256);
  if (swin.depths.empty() || swin.depths.size() > 8)
    keys.fail("swin.depths", "expected 1 to 8 stages");
  swin.heads = keys.integers("swin.num_heads", swin.depths.size());
  for (size_t i = 0; i < swin.heads.size(); ++i) {
    keys.divides("swin.num_heads", swin.heads[i], swin.channels(static_cast<int64_t>(i)));
  }
  swin.window = keys.integer("swin.window_size", 1, 64);
  swin.mlp_ratio = keys.real("swin.mlp_ratio");
  swin.out_indices =
      keys.integers("swin.out_indices", 0, 0, static_cast<int64_t>(swin.depths.size()) - 1);
  if (swin.out_indices.empty() ||
      !std::is_sorted(swin.out_indices.begin(), swin.out_indices.end()) ||
      std::adjacent_find(swin.out_indices.begin(), swin.out_indices.end()) !=
          swin.out_indices.end()) {
    keys.fail("swin.out_indices", "expected ascending stages");
  }
  return swin;
}

Config::Bert read_bert(const Keys& keys) {
  Config::Bert bert;
  bert.hidden = keys.integer("bert.hidden_size");
  bert.layers = keys.integer("bert.layers", 1, 256);
  bert.heads = keys.integer("bert.num_heads");
  keys.divides("bert.num_heads", bert.heads, bert.hidden);
  bert.intermediate = keys.integer("bert.intermediate_size");
  bert.vocabulary = keys.integer("bert.vocab_size", 1, 1 << 24);
  bert.max_positions = keys.integer("bert.max_position_embeddings");
  bert.token_types = keys.integer("bert.type_vocab_size");
  bert.norm_eps = static_cast<float>(keys.real("bert.layer_norm_eps"));
  return bert;
}

}  // namespace

Config Config::read(const compute::GgufFile& file) {
  const std::string architecture = file.text("general.architecture").value_or("");
  if (architecture != "grounding-dino") {
    throw Error(ErrorKind::kModel, file.path().string() + ": architecture is " +
                                       quote(architecture) + ", expected 'grounding-dino'");
  }
  const Keys keys(file);
  Config c;
  c.swin = read_swin(keys);
  c.bert = read_bert(keys);
  c.d_model = keys.integer("d_model");
  if (c.d_model % 32 != 0)
    keys.fail("d_model", "is " + std::to_string(c.d_model) + ", expected a multiple of 32");
  c.heads = keys.integer("num_heads");
  keys.divides("num_heads", c.heads, c.d_model);
  c.feedforward = keys.integer("dim_feedforward");
  c.encoder_layers = keys.integer("encoder_layers", 1, 64);
  c.decoder_layers = keys.integer("decoder_layers", 1, 64);
  c.levels = keys.integer("num_feature_levels", static_cast<int64_t>(c.swin.out_indices.size()), 8);
  c.encoder_points = keys.integer("enc_n_points", 1, 64);
  c.decoder_points = keys.integer("dec_n_points", 1, 64);
  c.fusion_heads = keys.integer("fusion.num_heads");
  c.fusion_dim = keys.integer("fusion.dim");
  keys.divides("fusion.num_heads", c.fusion_heads, c.fusion_dim);
  c.text_heads = keys.integer("text_enhancer.num_heads");
  keys.divides("text_enhancer.num_heads", c.text_heads, c.d_model);
  c.text_feedforward = keys.integer("text_enhancer.dim_feedforward");
  c.queries = keys.integer("num_queries", 1, 100000);
  c.max_text_tokens = keys.integer("max_text_len", 3, c.bert.max_positions);
  c.position_temperature = static_cast<float>(keys.real("position_temperature"));
  c.short_side = keys.integer("image.short_side", 1, 16384);
  c.max_side = keys.integer("image.max_side", c.short_side, 16384);
  c.mean = keys.colour("image.mean");
  c.std = keys.colour("image.std");
  for (float s : c.std) {
    if (!(s > 0)) keys.fail("image.std", "expected positive numbers");
  }
  return c;
}

}  // namespace alref::grounding_dino
