// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sam2.h"

#include <memory>
#include <vector>

#include "perception/sam2/network.h"

namespace alref::sam2 {

/// What the mask decoder makes of a prompt on the network's current image, of this size in pixels
/// (sam2/sam2_image_predictor.py).
std::vector<MaskPrediction> predict_masks(Network& network, const ImagePrompt& prompt, int width,
                                          int height, bool dynamic_multimask);

}  // namespace alref::sam2
