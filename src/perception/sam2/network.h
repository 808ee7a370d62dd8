// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "perception/sam2/image_encoder.h"
#include "perception/sam2/mask_decoder.h"
#include "perception/sam2/memory_attention.h"
#include "perception/sam2/memory_encoder.h"
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

/// Memories of one object, for the frame that the network looks at.
struct MemoryTokens {
  std::vector<std::span<const float>> frames;  ///< of each frame [n * n, m]
  std::vector<int32_t>
      times;  ///< which temporal encoding each takes: the last one for conditioning frames
  std::vector<float> pointers;  ///< [pointers, d]
  std::vector<float>
      pointer_times;  ///< [pointers, d]: encoded distances; empty where the model has none
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

  /// `image` writes an image [S, S, 3], normalised: it becomes the current one.
  void encode(const compute::Fill& image);
  const Features& features() const { return features_; }
  /// The features of an image encoded before become current again: `fill` writes each part of what
  /// `features()` held then, in their order.
  void restore(const compute::Fill& fill);
  int threads() const { return device_->threads(); }
  int64_t encoder_runs() const { return encoder_runs_; }

  /// What the mask decoder sees as the image.
  enum class View {
    kBare,           ///< the encoder's embedding: where a given mask becomes a pointer
    kWithoutMemory,  ///< the same with the embedding that stands for no memory
    kConditioned,    ///< what the last call of condition() made of it
  };
  /// points: none where the official code gives the decoder no point at all, not even its padding.
  /// mask: logits of the low-resolution size, or null.
  Decoded decode(View view, const std::optional<PromptPoints>& points, const FloatMap* mask);

  /// Conditions the current image on an object's memories.
  void condition(const MemoryTokens& memory);

  /// The current image with this mask on it (low-resolution logits) as a memory, [n * n, m].
  /// @param binary   the mask is what a user drew or clicked: no shades
  /// @param visible  whether the object is there at all
  std::vector<float> remember(const FloatMap& mask, bool binary, bool visible);

  /// The pointer that stands for an object that is not there, [d].
  const std::vector<float>& absent_pointer() const { return absent_pointer_; }
  /// A mask [S, S], 0 or 1, as the mask decoder's mask input (mask_downsample).
  FloatMap mask_input(const Mask& mask) const;

 private:
  struct Encoding;
  struct Decoding;
  struct Preparing;
  struct Conditioning;
  struct Remembering;
  struct DecodingKey {
    View view;
    int64_t tokens;
    bool has_mask;
    // clang-tidy 14 takes the 0 that the compiler compares with for a pointer.
    auto operator<=>(const DecodingKey&) const = default;  // NOLINT(modernize-use-nullptr)
  };

  Decoding& decoding(const DecodingKey& key);
  void prepare();

  std::shared_ptr<compute::Device> device_;
  compute::Weights weights_;
  Config config_;
  ImageEncoder image_encoder_;
  PromptEncoder prompt_encoder_;
  MaskDecoder mask_decoder_;
  MemoryAttention memory_attention_;
  MemoryEncoder memory_encoder_;
  compute::nn::Mlp pointer_proj_;
  ggml_tensor* no_memory_;
  std::vector<float> absent_pointer_;
  std::vector<float> absent_memory_;  // [m], added to memories without the object; empty in SAM 2
  std::vector<float> mask_input_weight_, mask_input_bias_;
  Features features_;
  compute::DeviceTensor prepared_;     // [n * n, d], what memory attention makes of the image alone
  compute::DeviceTensor conditioned_;  // [n * n, d]
  bool is_prepared_ = false;
  int64_t encoder_runs_ = 0;
  std::unique_ptr<Encoding> encoding_;
  std::map<DecodingKey, std::unique_ptr<Decoding>> decodings_;
  std::unique_ptr<Preparing> preparing_;
  std::map<std::pair<int64_t, int64_t>, std::unique_ptr<Conditioning>>
      conditionings_;                            // by frames and pointers
  std::unique_ptr<Remembering> remembering_[2];  // by `binary`
};

}  // namespace alref::sam2
