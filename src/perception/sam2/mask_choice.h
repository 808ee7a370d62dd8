// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "perception/sam2/config.h"
#include "perception/sam2/network.h"

namespace alref::sam2 {

/// The candidate of best expected quality among the three for ambiguous prompts.
size_t best_multimask(const Decoded& decoded);

/// Share of the area above -delta that is above +delta too: how little a mask depends on its
/// threshold.
float stability(const FloatMap& logits, double delta);

/// The single mask (0), unless its stability is below the model's threshold: then the best of the
/// others (sam2/modeling/sam/mask_decoder.py, _dynamic_multimask_via_stability).
size_t stable_mask(const Decoded& decoded, const DecoderConfig& config);

}  // namespace alref::sam2
