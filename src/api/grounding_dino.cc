// SPDX-License-Identifier: Apache-2.0
#include "alref/grounding_dino.h"

#include "alref/error.h"

#include <algorithm>

#include "perception/grounding_dino/grounding_dino.h"

namespace alref {

struct GroundingDino::State {
  State(const std::string& model, const DetectorOptions& options)
      : network(model, std::make_shared<compute::Device>(options.device),
                options.official_labels ? grounding_dino::Labels::kOfficial
                                        : grounding_dino::Labels::kClean) {}

  grounding_dino::GroundingDino network;
};

GroundingDino::GroundingDino(const std::string& model, const DetectorOptions& options)
    : state_(std::make_unique<State>(model, options)) {}
GroundingDino::~GroundingDino() = default;
GroundingDino::GroundingDino(GroundingDino&&) noexcept = default;
GroundingDino& GroundingDino::operator=(GroundingDino&&) noexcept = default;

float GroundingDino::box_threshold() const { return state_->network.config().box_threshold; }
float GroundingDino::text_threshold() const { return state_->network.config().text_threshold; }

std::vector<Detection> GroundingDino::detect(const Image& image, std::string_view caption,
                                             float box_threshold, float text_threshold,
                                             RawDetections* raw) {
  return state_->network.detect(image, caption, {.box = box_threshold, .text = text_threshold},
                                raw);
}

std::vector<std::vector<Detection>> GroundingDino::detect(std::span<const Image> images,
                                                          std::string_view caption,
                                                          float box_threshold,
                                                          float text_threshold) {
  return state_->network.detect(images, caption, {.box = box_threshold, .text = text_threshold});
}

RawDetections GroundingDino::raw(const Image& image, std::string_view caption) {
  return state_->network.raw(image, caption);
}

std::vector<Detection> best_detections(std::vector<Detection> detections, float iou_threshold,
                                       size_t count) {
  if (!(iou_threshold >= 0 && iou_threshold <= 1)) {  // NaN fails too
    throw Error(ErrorKind::kInvalidArgument,
                "nms threshold: expected 0 to 1, got " + std::to_string(iou_threshold));
  }
  std::stable_sort(detections.begin(), detections.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  std::vector<Detection> kept;
  for (Detection& next : detections) {
    if (kept.size() == count) break;
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Detection& better) {
      return better.phrase == next.phrase && iou(better.box, next.box) > iou_threshold;
    });
    if (!covered) kept.push_back(std::move(next));
  }
  return kept;
}

}  // namespace alref
