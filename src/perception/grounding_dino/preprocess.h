// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <vector>

#include "compute/ops/deformable_attention_op.h"
#include "perception/grounding_dino/config.h"

namespace alref::grounding_dino {

/// What the network sees of an image.
struct NetworkImage {
  compute::MapSize size;  ///< multiples of the patch size
  std::vector<float>
      pixels;  ///< [height, width, 3], normalised; zeros right of and below the image
};

/// As the official util/inference.py, load_image: the short side to config.short_side, but the long
/// one to at most config.max_side (Pillow's bilinear filter), then mean and standard deviation;
/// filled up to whole patches. Throws Error(kInvalidArgument) for an empty image, and for one so
/// thin that no pixel of it would be left.
NetworkImage prepare(const Image& image, const Config& config);

}  // namespace alref::grounding_dino
