// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/grounding_dino.h"

#include <filesystem>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compute/device.h"
#include "perception/detector.h"
#include "perception/grounding_dino/caption.h"
#include "perception/grounding_dino/network.h"
#include "perception/grounding_dino/phrases.h"
#include "text/wordpiece.h"

namespace alref::grounding_dino {

/// How boxes are named; see phrases.h.
enum class Labels { kClean, kOfficial };

/// GroundingDINO as a detector: preprocessing, the network, thresholds and labels. A caption's text
/// features are computed once and kept, the most recently used first, so that the frames of a video
/// pay for the image only. Threads: one call at a time.
class GroundingDino : public Detector {
 public:
  /// Throws Error(kModel) for a damaged file or one of another architecture.
  GroundingDino(const std::filesystem::path& model, std::shared_ptr<compute::Device> device,
                Labels labels = Labels::kClean);

  std::vector<Detection> detect(const Image& image, std::string_view caption,
                                const DetectionThresholds& thresholds) override;

  /// The same; `raw` receives what the thresholds were put on, null: nothing.
  std::vector<Detection> detect(const Image& image, std::string_view caption,
                                const DetectionThresholds& thresholds, RawDetections* raw);

  /// The same for several images at once; those of one size go through the network together.
  std::vector<std::vector<Detection>> detect(std::span<const Image> images,
                                             std::string_view caption,
                                             const DetectionThresholds& thresholds);

  RawDetections raw(const Image& image, std::string_view caption);

  const Config& config() const { return network_.config(); }

  /// How often the text encoder ran, for tests.
  int64_t text_encoder_runs() const { return text_encoder_runs_; }

 private:
  struct Text {
    std::string caption;
    Caption tokens;
    TextFeatures features;
  };
  const Text& text(std::string_view caption);
  std::vector<Detection> label(const QueryScores& scores, const Caption& caption,
                               const DetectionThresholds& thresholds, int width, int height) const;
  RawDetections to_raw(const Network::Queries& queries, const TextFeatures& text) const;
  /// Images of one size.
  Network::Queries run(std::span<const Image> images, const TextFeatures& text);

  std::shared_ptr<compute::Device> device_;
  Network network_;
  text::WordPiece tokenizer_;
  Labels labels_;
  std::list<Text> texts_;  // most recently used first
  int64_t text_encoder_runs_ = 0;
};

/// Behind the interface that the method knows.
std::unique_ptr<Detector> make_grounding_dino(const std::filesystem::path& model,
                                              std::shared_ptr<compute::Device> device,
                                              Labels labels = Labels::kClean);

}  // namespace alref::grounding_dino
