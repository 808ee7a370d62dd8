// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <optional>
#include <span>
#include <vector>

#include "perception/sam2/config.h"
#include "perception/sam2/prompt_encoder.h"

namespace alref::sam2 {

/// Writes [S, S, 3], normalised: an image as the official image predictor reads it (scaled as
/// 32-bit floats, antialiased bilinear).
void write_image_input(const Image& image, const Config& config, int threads, std::span<float> to);

/// The same of a video's frame as the official video predictor reads it (scaled by Pillow, bicubic,
/// in 8 bits).
void write_frame_input(const Image& frame, const Config& config, int threads, std::span<float> to);

/// Points, and a box before them, from pixels of a picture to pixels of the network's input. A box
/// is cut to the picture. Throws Error(kInvalidArgument): as many labels as points, each 0 or 1;
/// points finite and within the picture; a box finite, not empty and not beside the picture.
PromptPoints to_prompt_points(std::span<const Point> points, std::span<const int> labels,
                              const std::optional<Box>& box, int width, int height,
                              const Config& config);

}  // namespace alref::sam2
