// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/phrases.h"

#include <algorithm>
#include <cmath>

namespace alref::grounding_dino {
namespace {

constexpr size_t kOfficialTokens = 255;  // util/utils.py, get_phrases_from_posmap: right_idx

float probability(float logit) { return 1 / (1 + std::exp(-logit)); }

Box in_pixels(const float* box, int width, int height) {
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  return {(box[0] - box[2] / 2) * w, (box[1] - box[3] / 2) * h, (box[0] + box[2] / 2) * w,
          (box[1] + box[3] / 2) * h};
}

// Calls label(detection, logits of its tokens) for each query above the threshold.
template <typename Label>
std::vector<Detection> detections(const QueryScores& scores, size_t tokens, float threshold,
                                  int width, int height, const Label& label) {
  std::vector<Detection> result;
  for (size_t i = 0; i < scores.count; ++i) {
    const std::span<const float> logits = scores.logits.subspan(i * tokens, tokens);
    const float score = probability(*std::max_element(logits.begin(), logits.end()));
    if (!(score > threshold)) continue;
    Detection found{.box = in_pixels(&scores.boxes[i * 4], width, height),
                    .score = score,
                    .phrase = {},
                    .phrase_offset = 0};
    label(found, logits);
    result.push_back(std::move(found));
  }
  return result;
}

}  // namespace

std::vector<Detection> clean_detections(const QueryScores& scores, const Caption& caption,
                                        const DetectionThresholds& thresholds, int width,
                                        int height) {
  const auto best_token = [](const Phrase& phrase, std::span<const float> logits) {
    const auto tokens = logits.subspan(phrase.first_token, phrase.end_token - phrase.first_token);
    return *std::max_element(tokens.begin(), tokens.end());
  };
  return detections(scores, caption.ids.size(), thresholds.box, width, height,
                    [&](Detection& found, std::span<const float> logits) {
                      const auto phrase =
                          std::max_element(caption.phrases.begin(), caption.phrases.end(),
                                           [&](const Phrase& a, const Phrase& b) {
                                             return best_token(a, logits) < best_token(b, logits);
                                           });
                      found.phrase = phrase->text;
                      found.phrase_offset = phrase->offset;
                    });
}

std::vector<Detection> official_detections(const QueryScores& scores, const Caption& caption,
                                           const text::WordPiece& tokenizer,
                                           const DetectionThresholds& thresholds, int width,
                                           int height) {
  return detections(scores, caption.ids.size(), thresholds.box, width, height,
                    [&](Detection& found, std::span<const float> logits) {
                      std::vector<int32_t> ids;
                      size_t first = 0;
                      for (size_t i = 1; i < std::min(logits.size(), kOfficialTokens); ++i) {
                        if (!(probability(logits[i]) > thresholds.text)) continue;
                        if (ids.empty()) first = i;
                        ids.push_back(caption.ids[i]);
                      }
                      found.phrase = tokenizer.decode(ids);
                      std::erase(found.phrase, '.');
                      for (const Phrase& phrase : caption.phrases) {
                        if (first >= phrase.first_token && first <= phrase.end_token)
                          found.phrase_offset = phrase.offset;
                      }
                    });
}

}  // namespace alref::grounding_dino
