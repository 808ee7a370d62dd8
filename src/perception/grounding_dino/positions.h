// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/ops/deformable_attention_op.h"

namespace alref::grounding_dino {

// What depends on the sizes of the levels alone; lists run over the pixels of all levels, one level
// after the other. S pixels in all.

/// Sine encoding of each pixel's place in its level plus its level's embedding, to `to`: [S, d]
/// (backbone/position_encoding.py, class PositionEmbeddingSineHW). `level_embed` is [levels, d].
void write_image_positions(const std::vector<compute::MapSize>& levels, int64_t d,
                           float temperature, const std::vector<float>& level_embed,
                           std::span<float> to);

/// Centres of the pixels in [0, 1], (x, y): [S, 2].
std::vector<float> pixel_centres(const std::vector<compute::MapSize>& levels);

/// First guesses of boxes, one a pixel (utils.py, gen_encoder_output_proposals): centre, and a side
/// of 0.05 * 2^level, before the sigmoid.
struct Proposals {
  std::vector<float> boxes;  ///< [S, 4]; infinite where a box reaches beyond [0.01, 0.99]
  std::vector<float> valid;  ///< [S], 1 or 0
};
Proposals proposals(const std::vector<compute::MapSize>& levels);

}  // namespace alref::grounding_dino
