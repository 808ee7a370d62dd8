// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/mask_choice.h"

#include <algorithm>

namespace alref::sam2 {

size_t best_multimask(const Decoded& decoded) {
  return static_cast<size_t>(std::max_element(decoded.ious.begin() + 1, decoded.ious.end()) -
                             decoded.ious.begin());
}

float stability(const FloatMap& logits, double delta) {
  const auto threshold = static_cast<float>(delta);
  int64_t inner = 0, outer = 0;
  for (const float value : logits.values) {
    inner += value > threshold;
    outer += value > -threshold;
  }
  return outer > 0 ? static_cast<float>(inner) / static_cast<float>(outer) : 1.0f;
}

size_t stable_mask(const Decoded& decoded, const DecoderConfig& config) {
  const bool stable = stability(decoded.masks[0], config.stability_delta) >=
                      static_cast<float>(config.stability_threshold);
  return stable ? 0 : best_multimask(decoded);
}

}  // namespace alref::sam2
