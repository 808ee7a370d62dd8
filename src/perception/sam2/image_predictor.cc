// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/image_predictor.h"

#include "alref/error.h"

#include <algorithm>
#include <string>

#include "core/resize_map.h"
#include "perception/sam2/mask_choice.h"
#include "perception/sam2/preprocess.h"

namespace alref::sam2 {
namespace {

void check_mask_input(const FloatMap& mask, int size) {
  if (mask.width != size || mask.height != size) {
    throw Error(ErrorKind::kInvalidArgument,
                "mask input: expected logits of " + std::to_string(size) + " x " +
                    std::to_string(size) + ", got " + std::to_string(mask.width) + " x " +
                    std::to_string(mask.height));
  }
}

}  // namespace

std::vector<MaskPrediction> predict_masks(Network& network, const ImagePrompt& prompt, int width,
                                          int height, bool dynamic_multimask) {
  const Config& config = network.config();
  std::optional<PromptPoints> points;
  if (!prompt.points.empty() || prompt.box) {
    points = to_prompt_points(prompt.points, prompt.labels, prompt.box, width, height, config);
  } else if (!prompt.mask_input) {
    throw Error(ErrorKind::kInvalidArgument, "prompt: expected a point, a box or a mask");
  }
  if (prompt.mask_input) check_mask_input(*prompt.mask_input, static_cast<int>(config.mask_size()));

  Decoded decoded = network.decode(Network::View::kWithoutMemory, points,
                                   prompt.mask_input ? &*prompt.mask_input : nullptr);
  std::vector<size_t> chosen;
  if (prompt.multimask) {
    for (size_t i = 1; i < decoded.masks.size(); ++i) chosen.push_back(i);
  } else {
    chosen.push_back(dynamic_multimask ? stable_mask(decoded, config.decoder) : 0);
  }
  std::vector<MaskPrediction> result;
  for (const size_t i : chosen) {
    FloatMap logits = resize_bilinear(decoded.masks[i], width, height);
    // As the official predictor hands them out, fit to come back as a mask input.
    for (float& value : decoded.masks[i].values) value = std::clamp(value, -32.0f, 32.0f);
    result.push_back({std::move(logits), std::move(decoded.masks[i]), decoded.ious[i]});
  }
  return result;
}

}  // namespace alref::sam2
