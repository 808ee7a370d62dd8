// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>

#include "compute/ops/deformable_attention_op.h"
#include "perception/grounding_dino/config.h"

namespace alref::grounding_dino {

/// Size of what the network sees of an image, in pixels, multiples of the patch size: as the
/// official util/inference.py, load_image, the short side config.short_side, but the long one at
/// most config.max_side, then filled up to whole patches. Throws Error(kInvalidArgument) for an
/// empty image, and for one so thin that no pixel of it would be left.
compute::MapSize input_size(const Image& image, const Config& config);

/// The image at that size (Pillow's bilinear filter), normalised with mean and standard deviation,
/// zeros right of and below it, to `to`: [height, width, 3]. Throws as input_size.
void write_input(const Image& image, const Config& config, int threads, std::span<float> to);

}  // namespace alref::grounding_dino
