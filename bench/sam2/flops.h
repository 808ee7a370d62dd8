// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "perception/sam2/config.h"

namespace alref::sam2 {

/// Floating-point operations (a multiplication and an addition are two) of the official
/// formulation, in units of 10^9; norms, activations and positions are not counted.
struct Flops {
  double encoder;
  double memory_attention;
  double decoder;
  double memory_encoder;

  double total() const { return encoder + memory_attention + decoder + memory_encoder; }
};

/// Of one frame of one object with `frames` memories and `pointers` object pointers.
Flops count_flops(const Config& config, int64_t frames, int64_t pointers);

}  // namespace alref::sam2
