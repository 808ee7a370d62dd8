// SPDX-License-Identifier: Apache-2.0
#include "perception/beats/config.h"

#include "compute/metadata.h"

namespace alref::beats {

Config Config::read(const compute::GgufFile& file) {
  constexpr int64_t kMaxSize = 1 << 16;
  const compute::Metadata keys(file, "beats");
  keys.expect_text("activation_fn", "gelu");
  keys.expect_flag("layer_norm_first", false);
  keys.expect_flag("deep_norm", true);
  keys.expect_flag("relative_position_embedding", true);
  keys.expect_flag("gru_rel_pos", true);
  keys.expect_flag("finetuned_model", true);
  Config config;
  config.patch_size = keys.integer("input_patch_size", 1, 1024);
  config.patch_dim = keys.integer("embed_dim", 1, kMaxSize);
  config.patch_bias = keys.flag("conv_bias");
  config.layers = keys.integer("encoder_layers", 1, 1024);
  config.dim = keys.integer("encoder_embed_dim", 1, kMaxSize);
  config.ffn_dim = keys.integer("encoder_ffn_embed_dim", 1, kMaxSize);
  config.heads = keys.integer("encoder_attention_heads", 1, 1024);
  config.position_kernel = keys.integer("conv_pos", 1, 4096);
  config.position_groups = keys.integer("conv_pos_groups", 1, kMaxSize);
  config.buckets = keys.integer("num_buckets", 4, kMaxSize);
  config.max_distance = keys.integer("max_distance", 1, kMaxSize);
  config.classes = keys.integer("predictor_class", 1, kMaxSize);
  config.mel_bins = keys.integer("fbank.num_mel_bins", 1, 1024);
  config.fbank_mean = keys.real("fbank.mean");
  config.fbank_std = keys.real("fbank.std");
  keys.integer("fbank.sample_rate", 16000, 16000);
  config.segment_threshold = keys.cosine("segment_threshold");
  if (config.dim % config.heads != 0) {
    keys.fail("encoder_attention_heads", std::to_string(config.heads),
              "a divisor of " + std::to_string(config.dim));
  }
  if (config.dim % config.position_groups != 0) {
    keys.fail("conv_pos_groups", std::to_string(config.position_groups),
              "a divisor of " + std::to_string(config.dim));
  }
  if (config.mel_bins % config.patch_size != 0) {
    keys.fail("fbank.num_mel_bins", std::to_string(config.mel_bins),
              "a multiple of " + std::to_string(config.patch_size));
  }
  if (config.max_distance <= config.buckets / 4) {
    keys.fail("max_distance", std::to_string(config.max_distance),
              "more than " + std::to_string(config.buckets / 4));
  }
  config.label_ids = keys.texts("labels.ids");
  config.label_names = keys.has("labels.names") ? keys.texts("labels.names") : config.label_ids;
  for (const auto* labels : {&config.label_ids, &config.label_names}) {
    if (static_cast<int64_t>(labels->size()) != config.classes) {
      keys.fail("labels", std::to_string(labels->size()) + " texts",
                std::to_string(config.classes));
    }
  }
  return config;
}

}  // namespace alref::beats
