// SPDX-License-Identifier: Apache-2.0
// Names and shapes of microsoft/unilm, folder beats (BEATs.py, backbone.py).
#include "convert/beats.h"

#include <map>

#include "convert/vocabulary.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

constexpr const char* kPatchEmbed = "patch_embedding.weight";
constexpr std::string_view kBias = ".self_attn.relative_attention_bias.weight";
constexpr const char* kFirstBias = "encoder.layers.0.self_attn.relative_attention_bias.weight";

/// Reads a checkpoint's "cfg"; what it does not say keeps the default, as in the official class.
class Settings {
 public:
  Settings(const Checkpoint& checkpoint, const PickleValue& cfg)
      : checkpoint_(checkpoint), cfg_(cfg) {}

  void read(const char* key, int64_t& into) const {
    constexpr int64_t kMaxInteger = 1 << 20;
    const PickleValue* value = cfg_.get(key);
    if (value == nullptr) return;
    const auto* number = value->as<int64_t>();
    if (number == nullptr || *number < 1 || *number > kMaxInteger)
      fail(key, "a whole number from 1 to 2^20");
    into = *number;
  }
  void read(const char* key, bool& into) const {
    const PickleValue* value = cfg_.get(key);
    if (value == nullptr) return;
    const auto* flag = value->as<bool>();
    if (flag == nullptr) fail(key, "a truth value");
    into = *flag;
  }
  void read(const char* key, std::string& into) const {
    const PickleValue* value = cfg_.get(key);
    if (value == nullptr) return;
    const auto* text = value->as<std::string_view>();
    if (text == nullptr) fail(key, "a text");
    into = *text;
  }
  void read(const char* key, std::optional<double>& into) const {
    const PickleValue* value = cfg_.get(key);
    if (value == nullptr) return;
    const auto* cosine = value->as<double>();
    if (cosine == nullptr || !(*cosine >= -1 && *cosine <= 1)) fail(key, "a cosine");
    into = *cosine;
  }

 private:
  [[noreturn]] void fail(const char* key, const char* expected) const {
    checkpoint_.fail(std::string("its cfg's ") + quote(key) + " is not " + expected);
  }

  const Checkpoint& checkpoint_;
  const PickleValue& cfg_;
};

BeatsConfig read_config(const Checkpoint& checkpoint) {
  const PickleValue* cfg = checkpoint.root() != nullptr ? checkpoint.root()->get("cfg") : nullptr;
  if (cfg == nullptr || cfg->as<PickleDict>() == nullptr) {
    checkpoint.fail("is a BEATs without its dictionary 'cfg', which tells its options");
  }
  const Settings settings(checkpoint, *cfg);
  BeatsConfig c;
  settings.read("input_patch_size", c.input_patch_size);
  settings.read("embed_dim", c.embed_dim);
  settings.read("conv_bias", c.conv_bias);
  settings.read("encoder_layers", c.encoder_layers);
  settings.read("encoder_embed_dim", c.encoder_embed_dim);
  settings.read("encoder_ffn_embed_dim", c.encoder_ffn_embed_dim);
  settings.read("encoder_attention_heads", c.encoder_attention_heads);
  settings.read("activation_fn", c.activation_fn);
  settings.read("layer_norm_first", c.layer_norm_first);
  settings.read("deep_norm", c.deep_norm);
  settings.read("conv_pos", c.conv_pos);
  settings.read("conv_pos_groups", c.conv_pos_groups);
  settings.read("relative_position_embedding", c.relative_position_embedding);
  settings.read("num_buckets", c.num_buckets);
  settings.read("max_distance", c.max_distance);
  settings.read("gru_rel_pos", c.gru_rel_pos);
  settings.read("finetuned_model", c.finetuned_model);
  settings.read("predictor_class", c.predictor_class);
  settings.read("segment_threshold", c.segment_threshold);
  if (c.encoder_layers > 1000)
    checkpoint.fail("its cfg asks for " + std::to_string(c.encoder_layers) + " layers");
  if (c.encoder_embed_dim % c.encoder_attention_heads != 0 ||
      c.encoder_embed_dim % c.conv_pos_groups != 0) {
    checkpoint.fail("its cfg's heads or groups do not divide the width " +
                    std::to_string(c.encoder_embed_dim));
  }
  return c;
}

/// The checkpoint's "label_dict": class number -> AudioSet id.
std::vector<std::string> read_labels(const Checkpoint& checkpoint, int64_t classes) {
  const PickleValue* labels = checkpoint.root()->get("label_dict");
  const auto* dict = labels != nullptr ? labels->as<PickleDict>() : nullptr;
  if (dict == nullptr) checkpoint.fail("is a fine-tuned BEATs without its dictionary 'label_dict'");
  std::vector<std::string> ids(static_cast<size_t>(classes));
  for (const auto& [key, value] : *dict) {
    const auto* index = key->as<int64_t>();
    const auto* id = value->as<std::string_view>();
    if (index == nullptr || *index < 0 || *index >= classes || id == nullptr) {
      checkpoint.fail("its label_dict is not of " + std::to_string(classes) + " numbered texts");
    }
    ids[static_cast<size_t>(*index)] = *id;
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i].empty()) checkpoint.fail("its label_dict has no label " + std::to_string(i));
  }
  return ids;
}

/// Names by AudioSet id; none where an id is not AudioSet's.
std::vector<std::string> label_names(const std::vector<std::string>& ids) {
  std::map<std::string, std::string> known;
  for (const std::string& line : audioset_labels()) {
    const size_t tab = line.find('\t');
    known[line.substr(0, tab)] = line.substr(tab + 1);
  }
  std::vector<std::string> names;
  for (const std::string& id : ids) {
    const auto at = known.find(id);
    if (at == known.end()) return {};
    names.push_back(at->second);
  }
  return names;
}

void write_metadata(const BeatsConfig& c, compute::GgufWriter& w) {
  const std::string variant = c.is_official() ? "iter3+" : "custom";
  w.set_text("general.architecture", "beats");
  w.set_text("general.name", "beats-" + variant);
  w.set_text("beats.variant", variant);
  w.set_integer("beats.input_patch_size", c.input_patch_size);
  w.set_integer("beats.embed_dim", c.embed_dim);
  w.set_flag("beats.conv_bias", c.conv_bias);
  w.set_integer("beats.encoder_layers", c.encoder_layers);
  w.set_integer("beats.encoder_embed_dim", c.encoder_embed_dim);
  w.set_integer("beats.encoder_ffn_embed_dim", c.encoder_ffn_embed_dim);
  w.set_integer("beats.encoder_attention_heads", c.encoder_attention_heads);
  w.set_text("beats.activation_fn", c.activation_fn);
  w.set_flag("beats.layer_norm_first", c.layer_norm_first);
  w.set_flag("beats.deep_norm", c.deep_norm);
  w.set_integer("beats.conv_pos", c.conv_pos);
  w.set_integer("beats.conv_pos_groups", c.conv_pos_groups);
  w.set_flag("beats.relative_position_embedding", c.relative_position_embedding);
  w.set_integer("beats.num_buckets", c.num_buckets);
  w.set_integer("beats.max_distance", c.max_distance);
  w.set_flag("beats.gru_rel_pos", c.gru_rel_pos);
  w.set_flag("beats.finetuned_model", c.finetuned_model);
  w.set_integer("beats.predictor_class", c.predictor_class);
  if (c.segment_threshold) w.set_real("beats.segment_threshold", *c.segment_threshold);
  // Fixed in the official code (BEATs.preprocess).
  w.set_real("beats.fbank.mean", 15.41663);
  w.set_real("beats.fbank.std", 6.55582);
  w.set_integer("beats.fbank.num_mel_bins", 128);
  w.set_integer("beats.fbank.sample_rate", 16000);
}

}  // namespace

bool BeatsConfig::is_official() const {
  return input_patch_size == 16 && embed_dim == 512 && encoder_layers == 12 &&
         encoder_embed_dim == 768;
}

BeatsConfig official_beats(bool finetuned) {
  BeatsConfig c;
  c.deep_norm = true;
  c.relative_position_embedding = true;
  c.max_distance = 800;
  c.gru_rel_pos = true;
  c.finetuned_model = finetuned;
  return c;
}

bool is_beats(const SourceTensors& tensors) {
  return tensors.count(kPatchEmbed) > 0 && tensors.count("encoder.pos_conv.0.weight_g") > 0;
}

NameTable beats_tensors(const BeatsConfig& c) {
  NameTable t;
  const int64_t dim = c.encoder_embed_dim;
  t.conv("patch_embedding", c.embed_dim, 1, c.input_patch_size, c.input_patch_size, c.conv_bias);
  t.norm("layer_norm", c.embed_dim);
  if (c.embed_dim != dim) t.linear("post_extract_proj", dim, c.embed_dim);
  t.keep("encoder.pos_conv.0.bias", {dim});
  t.keep("encoder.pos_conv.0.weight_g", {1, 1, c.conv_pos});
  t.kernel("encoder.pos_conv.0.weight_v", {dim, dim / c.conv_pos_groups, c.conv_pos});
  for (int64_t i = 0; i < c.encoder_layers; ++i) {
    const std::string layer = "encoder.layers." + std::to_string(i);
    for (const char* part : {".q_proj", ".k_proj", ".v_proj", ".out_proj"})
      t.linear(layer + ".self_attn" + part, dim, dim);
    if (c.relative_position_embedding && i == 0)
      t.keep(kFirstBias, {c.num_buckets, c.encoder_attention_heads});
    if (c.gru_rel_pos) {
      t.keep(layer + ".self_attn.grep_linear.weight", {8, dim / c.encoder_attention_heads});
      t.keep(layer + ".self_attn.grep_linear.bias", {8});
      t.keep(layer + ".self_attn.grep_a", {1, c.encoder_attention_heads, 1, 1});
    }
    t.norm(layer + ".self_attn_layer_norm", dim);
    t.linear(layer + ".fc1", c.encoder_ffn_embed_dim, dim);
    t.linear(layer + ".fc2", dim, c.encoder_ffn_embed_dim);
    t.norm(layer + ".final_layer_norm", dim);
  }
  t.norm("encoder.layer_norm", dim);
  if (c.finetuned_model) t.linear("predictor", c.predictor_class, dim);
  return t;
}

NameTable prepare_beats(Inputs& inputs, compute::GgufWriter& writer) {
  for (const auto& [name, tensor] : inputs.checkpoint().tensors()) {
    // All layers share the first one's table of position biases.
    if (name.starts_with("encoder.layers.") && name.ends_with(kBias) && name != kFirstBias) {
      inputs.add_twin(kFirstBias, name, tensor);
    } else {
      inputs.add(name, 0, name, tensor);
    }
  }
  const BeatsConfig config = read_config(inputs.checkpoint());
  write_metadata(config, writer);
  if (config.finetuned_model) {
    const auto ids = read_labels(inputs.checkpoint(), config.predictor_class);
    writer.set_texts("beats.labels.ids", ids);
    if (const auto names = label_names(ids); !names.empty())
      writer.set_texts("beats.labels.names", names);
  }
  return beats_tensors(config);
}

}  // namespace alref::convert
