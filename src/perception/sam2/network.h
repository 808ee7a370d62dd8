// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "perception/sam2/image_encoder.h"
#include "perception/sam2/mask_decoder.h"
#include "perception/sam2/prompt_encoder.h"

namespace alref::sam2 {

/// What the mask decoder says, its candidates not yet chosen from.
struct Decoded {
  std::vector<FloatMap>
      masks;                ///< low-resolution logits; the first is the one for unambiguous prompts
  std::vector<float> ious;  ///< expected quality of each mask, in [0, 1]
  std::vector<std::vector<float>> pointers;  ///< object pointer of each mask
  float object_score = 0;                    ///< logit of the object being visible
};

/// One SAM 2 model on a device: its networks, their graphs and the features of the image that it
/// looks at. All prompts and memories go in and out as plain numbers; image features stay on the
/// device.
class Network {
 public:
  /// Throws Error(kModel) where the file is damaged or no SAM 2 model.
  Network(const std::filesystem::path& path, std::shared_ptr<compute::Device> device);
  ~Network();

  const Config& config() const { return config_; }

  /// image [S, S, 3], normalised: becomes the current image.
  void encode(std::span<const float> image);
  const Features& features() const { return features_; }
  int64_t encoder_runs() const { return encoder_runs_; }

  /// What the mask decoder sees as the image.
  enum class View {
    kBare,           ///< the encoder's embedding: where a given mask becomes a pointer
    kWithoutMemory,  ///< the same with the embedding that stands for no memory
  };
  /// points: none where the official code gives the decoder no point at all, not even its padding.
  /// mask: logits of the low-resolution size, or null.
  Decoded decode(View view, const std::optional<PromptPoints>& points, const FloatMap* mask);

 private:
  struct Encoding;
  struct Decoding;
  struct DecodingKey {
    View view;
    int64_t tokens;
    bool has_mask;
    auto operator<=>(const DecodingKey&) const = default;
  };

  Decoding& decoding(const DecodingKey& key);

  std::shared_ptr<compute::Device> device_;
  compute::Weights weights_;
  Config config_;
  ImageEncoder image_encoder_;
  PromptEncoder prompt_encoder_;
  MaskDecoder mask_decoder_;
  compute::nn::Mlp pointer_proj_;
  ggml_tensor* no_memory_;
  Features features_;
  int64_t encoder_runs_ = 0;
  std::unique_ptr<Encoding> encoding_;
  std::map<DecodingKey, std::unique_ptr<Decoding>> decodings_;
};

}  // namespace alref::sam2
