// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>

namespace alref::metrics {

/// The same numbers as `Random` in make_goldens.py: a 64-bit linear congruential generator (Knuth's
/// MMIX constants).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  /// In [0, bound).
  int below(int bound) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<uint64_t>(bound));
  }

 private:
  uint64_t state_;
};

/// Up to three ellipses, some cut off by the border, with a pixel in 50 flipped; empty or full in
/// one case of ten each.
inline Mask random_mask(Random& random, int width, int height) {
  Mask mask(width, height);
  const int kind = random.below(10);
  if (kind == 0) return mask;
  if (kind == 1) {
    mask.pixels.assign(mask.pixels.size(), 1);
    return mask;
  }
  const int ellipses = 1 + random.below(3);
  for (int e = 0; e < ellipses; ++e) {
    const int64_t cx = random.below(width), cy = random.below(height);
    const int64_t rx = 1 + random.below(width / 2), ry = 1 + random.below(height / 2);
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const int64_t dx = x - cx, dy = y - cy;
        if (dx * dx * ry * ry + dy * dy * rx * rx <= rx * rx * ry * ry)
          mask.row(static_cast<int>(y))[x] = 1;
      }
    }
  }
  const int flips = static_cast<int>(mask.pixels.size() / 50);
  for (int i = 0; i < flips; ++i)
    mask.pixels[static_cast<size_t>(random.below(width * height))] ^= 1;
  return mask;
}

}  // namespace alref::metrics
