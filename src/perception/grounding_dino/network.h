// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "compute/graph.h"
#include "compute/weights.h"
#include "perception/grounding_dino/bert.h"
#include "perception/grounding_dino/caption.h"
#include "perception/grounding_dino/config.h"
#include "perception/grounding_dino/decoder.h"
#include "perception/grounding_dino/fusion_encoder.h"
#include "perception/grounding_dino/neck.h"
#include "perception/grounding_dino/swin.h"

namespace alref::grounding_dino {

/// A caption after the text encoder; depends on no image.
struct TextFeatures {
  int64_t tokens = 0;
  std::vector<float> features;   ///< [T, d]
  std::vector<float> positions;  ///< [T, d]
  std::vector<float> mask;       ///< [T, T]
};

/// GroundingDINO (arXiv:2303.05499) in its four steps: text, image, both together, queries. What
/// lies between them (choice of the queries) is left to the caller; see select_queries. Graphs are
/// kept for the last image size and token count.
class Network {
 public:
  /// Throws Error(kModel) where a size or tensor is not what it should be.
  explicit Network(compute::Weights weights);
  ~Network();

  const Config& config() const { return config_; }
  const compute::GgufFile& file() const { return weights_.file(); }
  int threads() const { return weights_.device().threads(); }

  /// Text encoder. `separators`: see sub_sentences.
  TextFeatures encode_text(std::span<const int32_t> ids, std::span<const int32_t> separators);

  /// Backbone and neck. `pixels` writes [batch, height, width, 3]: normalised RGB; height and width
  /// multiples of 4.
  void encode_image(const compute::Fill& pixels, int64_t batch, const compute::MapSize& image);

  /// Encoder, for the images of the last encode_image, up to the scores of the first stage.
  /// Returns logits [batch, S, T] of the S pixels of all levels.
  std::vector<float> fuse(const TextFeatures& text);

  struct Queries {
    int64_t count = 0;          ///< of one image
    std::vector<float> logits;  ///< [batch, count, T]
    std::vector<float>
        boxes;  ///< [batch, count, 4]: centre x, centre y, width, height, in [0, 1] of the image
  };

  /// Decoder, for the images and text of the last fuse. selected [batch, count]: pixels of the
  /// first stage, count at most config().queries.
  Queries decode(std::span<const int32_t> selected);

  /// Sizes of the maps of the last encode_image, finest first.
  const std::vector<compute::MapSize>& levels() const;

  /// What the last fuse left, for comparisons: [batch, S, d] and [batch, T, d].
  std::vector<float> image_features() const;
  std::vector<float> text_features() const;

 private:
  struct ImagePlan;
  struct FusionPlan;
  struct DecoderPlan;

  void plan_image(int64_t batch, const compute::MapSize& image);
  void plan_fusion(int64_t tokens);
  void plan_decoder(int64_t count);

  compute::Weights weights_;
  Config config_;
  Bert bert_;
  compute::nn::Linear text_projection_;
  Swin swin_;
  Neck neck_;
  FusionEncoder encoder_;
  compute::nn::Linear proposal_projection_;
  compute::nn::LayerNorm proposal_norm_;
  compute::nn::Mlp proposal_boxes_;
  ggml_tensor* query_embeddings_;  // [queries, d]
  Decoder decoder_;

  std::unique_ptr<ImagePlan> image_;
  std::unique_ptr<FusionPlan> fusion_;
  std::unique_ptr<DecoderPlan> queries_;
};

/// The `count` best pixels of each image by the highest logit of any token, best first: [batch,
/// count].
std::vector<int32_t> select_queries(std::span<const float> logits, int64_t batch, int64_t tokens,
                                    int64_t count);

}  // namespace alref::grounding_dino
