// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <span>
#include <utility>
#include <vector>

// Images to the size and the numbers that networks take, as the official codes make them. Sizes
// that are not positive are an Error(kInvalidArgument).
namespace alref {

/// Pillow's filters that are in use: BILINEAR (triangle) and BICUBIC (a = -0.5).
enum class PillowFilter { kBilinear, kBicubic };

/// (value / 255 - mean) / deviation, channel by channel: torchvision's ToTensor and Normalize.
struct Normalization {
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> deviation{1, 1, 1};
};

/// PIL.Image.resize((width, height), filter) of an RGB image, bit for bit, then normalized: both
/// passes in fixed point with 22 bits, the horizontal one first, rounded to 8 bits after each;
/// where it shrinks, the filter widens. kBicubic is how SAM 2 reads a video's frames, kBilinear how
/// GroundingDINO reads images. Goes into `to`, [height, row_values], of which each row's first
/// width x 3 values are written.
void resize_as_pillow(const Image& image, int width, int height, PillowFilter filter,
                      const Normalization& normalization, std::span<float> to, size_t row_values,
                      int threads = 1);

/// ToTensor, then torch.nn.functional.interpolate(mode="bilinear", antialias=True,
/// align_corners=False), which is torchvision's Resize of a tensor, then Normalize: how SAM 2's
/// image predictor reads an image; into [height, width, 3]. Up to the rounding of 32-bit sums.
void resize_antialiased(const Image& image, int width, int height,
                        const Normalization& normalization, std::span<float> to, int threads = 1);

/// Width and height to which GroundingDINO scales: the shorter side to `shortest`, but the longer
/// one not above `longest` (groundingdino/datasets/transforms.py, get_size_with_aspect_ratio).
std::pair<int, int> fit_shortest_side(int width, int height, int shortest, int longest);

/// torch.nn.functional.interpolate(mode="nearest"): source pixel floor(i * from / to).
Mask resize_nearest(const Mask& mask, int width, int height);

}  // namespace alref
