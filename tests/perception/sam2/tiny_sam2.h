// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "compute/gguf_writer.h"
#include "convert/sam2.h"

// The tiny networks, pictures and masks of tests/oracles/make_sam2_goldens.py, by the same
// formulae.
namespace alref::sam2::testing {

inline constexpr int kSize = 96, kWidth = 60, kHeight = 44, kFrames = 12;

/// Uniform in [-1, 1): SplitMix64 from a hash (FNV-1a) of a name.
class Numbers {
 public:
  explicit Numbers(const std::string& name) {
    for (const unsigned char byte : name) state_ = (state_ ^ byte) * 0x100000001b3;
  }
  double next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<double>(z >> 40) / (1 << 23) - 1;
  }

 private:
  uint64_t state_ = 0xcbf29ce484222325;
};

inline std::vector<float> tensor_values(const convert::TensorSpec& spec) {
  const std::string& name = spec.name;
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  const size_t dot = name.rfind('.'), before = name.rfind('.', dot - 1);
  const std::string owner =
      dot == std::string::npos
          ? ""
          : name.substr(before == std::string::npos ? 0 : before + 1, dot - before - 1);
  int64_t count = 1;
  for (const int64_t n : spec.shape) count *= n;
  double mean = 0, spread = 0.1;
  if (has("gaussian_matrix")) {
    spread = 1;
  } else if (name.ends_with(".gamma")) {
    mean = 0.5;
  } else if (spec.shape.size() == 1) {
    mean = name.ends_with(".weight") ? 1 : 0;
  } else if (!name.ends_with(".weight") || has("_embed.w") ||
             owner.find("token") != std::string::npos || has("point_emb")) {
    spread = 1;
  } else {
    const int64_t fan_in = count / spec.shape[0];
    spread = std::sqrt(3.0 / static_cast<double>(fan_in));
  }
  Numbers numbers(name);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(mean + spread * numbers.next()));
  if (name == "sam_mask_decoder.pred_obj_score_head.layers.2.bias") values[0] = -0.15f;
  return values;
}

inline convert::Sam2Config tiny_config(const std::string& version) {
  convert::Sam2Config config = convert::official_sam2(version, "tiny");
  config.variant = "custom";
  config.image_size = kSize;
  config.d_model = 32;
  config.embed_dim = 8;
  config.num_heads = 1;
  config.stages = {1, 2, 3, 1};
  config.global_att_blocks = {5};
  config.window_spec = {8, 4, 4, 2};
  config.decoder_mlp_dim = 64;
  config.iou_head_hidden_dim = 32;
  config.memory_dim = 8;
  config.memory_layers = 2;
  config.memory_mlp_dim = 64;
  return config;
}

inline void write_tiny_sam2(const std::filesystem::path& path, const std::string& version) {
  const convert::Sam2Config config = tiny_config(version);
  const convert::NameTable table = convert::sam2_tensors(config);
  compute::GgufWriter writer;
  convert::write_sam2_metadata(config, writer);
  for (const convert::TensorSpec& spec : table.specs()) {
    writer.add_tensor(spec.name, GGML_TYPE_F32, spec.shape);
  }
  writer.begin(path);
  for (const convert::TensorSpec& spec : table.specs()) {
    const std::vector<float> values = tensor_values(spec);
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.finish();
}

inline Image tiny_frame(int t) {
  Image image(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value = x * (c + 3) + y * (5 - c) + 11 * t + (x * y + 7 * t) % (13 + c) * 9;
        image.row(y)[3 * x + c] = static_cast<uint8_t>(value % 256);
      }
    }
  }
  return image;
}

inline Mask ellipse(int x0, int y0, int x1, int y1) {
  Mask mask(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int u = (2 * x + 1 - x0 - x1) * (y1 - y0), v = (2 * y + 1 - y0 - y1) * (x1 - x0);
      mask.row(y)[x] = u * u + v * v < (x1 - x0) * (y1 - y0) * (x1 - x0) * (y1 - y0);
    }
  }
  return mask;
}

/// The pictures as a video, which counts how often it is asked.
class TinyVideo : public FrameSource {
 public:
  explicit TinyVideo(int frames = kFrames, bool knows_length = true)
      : frames_(frames), knows_length_(knows_length) {}

  int width() const override { return kWidth; }
  int height() const override { return kHeight; }
  double frame_rate() const override { return 25; }
  std::optional<int> frame_count() const override {
    return knows_length_ ? std::optional<int>(frames_) : std::nullopt;
  }
  bool seekable() const override { return true; }
  std::shared_ptr<const Image> frame(int index) override {
    if (index < 0 || index >= frames_) return nullptr;
    return std::make_shared<Image>(tiny_frame(index));
  }

 private:
  int frames_;
  bool knows_length_;
};

inline const nlohmann::json& goldens() {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(ALREF_TEST_DATA "/sam2/goldens.json"));
  return all;
}

/// The pixels of a low-resolution map that the goldens keep.
inline std::vector<float> sparse(const FloatMap& map) {
  std::vector<float> values;
  for (int y = 1; y < map.height; y += 3) {
    for (int x = 1; x < map.width; x += 3) values.push_back(map.row(y)[x]);
  }
  return values;
}

inline double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  if (got.size() != expected.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += double{expected[i]} * expected[i];
  }
  return std::sqrt(difference / norm);
}

}  // namespace alref::sam2::testing
