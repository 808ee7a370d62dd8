// SPDX-License-Identifier: Apache-2.0
// Every tensor of every official variant: what we expect against what the official modules have.
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "convert/beats.h"
#include "convert/grounding_dino.h"
#include "convert/language_bind.h"
#include "convert/sam2.h"
#include "text/golden.h"

namespace alref::convert {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

/// Blocks of tests/data/convert/tensors.txt.gz (tests/oracles/list_tensors.py).
const std::map<std::string, Shapes>& official() {
  static const auto blocks = [] {
    std::map<std::string, Shapes> out;
    std::istringstream in(testing::inflate_file(ALREF_TEST_DATA "/convert/tensors.txt.gz"));
    Shapes* block = nullptr;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("# ")) {
        block = &out[line.substr(2)];
        continue;
      }
      const size_t tab = line.find('\t');
      std::vector<int64_t>& shape = (*block)[line.substr(0, tab)];
      std::istringstream lengths(line.substr(tab + 1));
      for (std::string n; std::getline(lengths, n, ',');) shape.push_back(std::stoll(n));
    }
    return out;
  }();
  return blocks;
}

Shapes shapes_of(const NameTable& table) {
  Shapes out;
  for (const TensorSpec& spec : table.specs()) {
    EXPECT_TRUE(out.emplace(spec.name, spec.shape).second) << spec.name << " twice";
  }
  return out;
}

TEST(NamesTest, Sam2) {
  for (const char* version : {"2", "2.1"}) {
    for (const char* variant : {"tiny", "small", "base-plus", "large"}) {
      const auto name = std::string("sam") + version + "-" + variant;
      EXPECT_EQ(shapes_of(sam2_tensors(official_sam2(version, variant))), official().at(name))
          << name;
    }
  }
}

/// The official lists without what is left out of model files (docs/model-format.md).
Shapes kept(const Shapes& all, const std::function<bool(const std::string&)>& left_out) {
  Shapes out;
  for (const auto& [name, shape] : all) {
    if (!left_out(name)) out.emplace(name, shape);
  }
  return out;
}

TEST(NamesTest, GroundingDino) {
  const auto left_out = [](const std::string& name) {
    return name.ends_with("relative_position_index") || name.starts_with("bert.pooler.") ||
           name.starts_with("transformer.decoder.bbox_embed.") ||
           (name.starts_with("bbox_embed.") && !name.starts_with("bbox_embed.0."));
  };
  for (const char* variant : {"swin-t", "swin-b"}) {
    EXPECT_EQ(shapes_of(grounding_dino_tensors(official_grounding_dino(variant))),
              kept(official().at(std::string("grounding-dino-") + variant), left_out))
        << variant;
  }
}

TEST(NamesTest, GroundingDinoOfHuggingFace) {
  using Name = std::pair<std::string, size_t>;
  const auto official_name = [](std::string_view name) {
    return official_grounding_dino_name(name).value_or(Name{});
  };
  EXPECT_EQ(official_name("model.decoder.layers.5.encoder_attn_text.key.bias"),
            (Name{"transformer.decoder.layers.5.ca_text.in_proj_bias", 1}));
  EXPECT_EQ(official_name("model.backbone.conv_encoder.model.encoder.layers.2.blocks.17.attention."
                          "self.value.weight"),
            (Name{"backbone.0.layers.2.blocks.17.attn.qkv.weight", 2}));
  EXPECT_EQ(official_name("model.enc_output_norm.weight"),
            (Name{"transformer.enc_output_norm.weight", 0}));
  EXPECT_FALSE(
      official_grounding_dino_name("model.encoder.layers.0.other_layer.fc1.weight").has_value());
}

TEST(NamesTest, Beats) {
  const auto left_out = [](const std::string& name) {
    return name.ends_with("relative_attention_bias.weight") &&
           !name.starts_with("encoder.layers.0.");
  };
  EXPECT_EQ(shapes_of(beats_tensors(official_beats(true))),
            kept(official().at("beats-iter3+-finetuned"), left_out));
  EXPECT_EQ(shapes_of(beats_tensors(official_beats(false))),
            kept(official().at("beats-iter3+-pretrained"), left_out));
}

TEST(NamesTest, LanguageBind) {
  for (const char* modality : {"audio", "image"}) {
    EXPECT_EQ(shapes_of(language_bind_tensors(official_language_bind(modality))),
              official().at(std::string("language-bind-") + modality))
        << modality;
  }
}

}  // namespace
}  // namespace alref::convert
