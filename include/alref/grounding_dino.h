// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alref {

struct DetectorOptions {
  DeviceOptions device;
  /// Labels as the official code makes them: every token above the text threshold, which may join
  /// phrases or cut words. By default each box gets exactly one of the caption's phrases.
  bool official_labels = false;
};

/// What the network says of an image, before thresholds.
struct RawDetections {
  size_t queries = 0;  ///< 900 in the official models, unless the image is but a few pixels thin
  size_t tokens = 0;   ///< that a caption may have: 256 in the official models
  /// [queries, tokens], before the sigmoid; -inf where the caption has no token.
  std::vector<float> logits;
  /// [queries, 4]: centre x, centre y, width, height, in [0, 1] of the image.
  std::vector<float> boxes;
};

/// Boxes for whatever a caption names (GroundingDINO, arXiv:2303.05499). Phrases are separated by
/// full stops: "a dog . the man's hat". A caption's text is encoded once and kept over images, for
/// the 16 captions that were used last.
/// Threads: one call at a time.
class GroundingDino {
 public:
  /// @param model  a GGUF file made by `alref convert`.
  /// @throws Error  kModel: damaged, or no GroundingDINO model. kUnavailable: no such device.
  explicit GroundingDino(const std::string& model, const DetectorOptions& options = {});
  ~GroundingDino();
  GroundingDino(GroundingDino&&) noexcept;
  GroundingDino& operator=(GroundingDino&&) noexcept;

  /// The model file's own thresholds (0.25 both in the official models).
  float box_threshold() const;
  float text_threshold() const;

  /// Boxes whose best token's probability is above `box_threshold`, in the network's order, in
  /// pixels; they may reach beyond the image. `text_threshold` matters to official labels only.
  /// @param raw  where set, receives what raw() gives, from the same run of the network.
  /// @throws Error(kInvalidArgument)  an empty image; no words, invalid UTF-8 or too many tokens in
  /// the caption; thresholds outside [0, 1].
  std::vector<Detection> detect(const Image& image, std::string_view caption,
                                float box_threshold = 0.25f, float text_threshold = 0.25f,
                                RawDetections* raw = nullptr);

  /// The same for several images: those of one size that follow each other go through the network
  /// together.
  std::vector<std::vector<Detection>> detect(std::span<const Image> images,
                                             std::string_view caption, float box_threshold = 0.25f,
                                             float text_threshold = 0.25f);

  /// What detect() puts its thresholds on, for one image. Throws as detect() does.
  RawDetections raw(const Image& image, std::string_view caption);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The detections by falling score, without those that overlap a better one of the same phrase by
/// an IoU above `iou_threshold` (1: none is left out), at most `count`.
/// @throws Error(kInvalidArgument)  an `iou_threshold` outside [0, 1].
std::vector<Detection> best_detections(std::vector<Detection> detections, float iou_threshold,
                                       size_t count);

}  // namespace alref
