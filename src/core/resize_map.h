// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <vector>

#include "core/resize_taps.h"

namespace alref {

/// Maps of one size to another, many of them: what depends on the sizes alone is computed once. Not
/// for several threads at once.
class MapResizer {
 public:
  MapResizer(Resampling mode, int from_width, int from_height, int width, int height);

  /// `map` has the size that was named; `to` gets the other and keeps its memory if it has it.
  void operator()(const FloatMap& map, FloatMap& to);

 private:
  // For the k-th tap of column x at [k * width + x]: from where, and how much. Columns with fewer
  // taps have their first one again, with weight 0: a NaN elsewhere is none of theirs.
  std::vector<int32_t> places_;
  std::vector<float> weights_;
  std::vector<Taps> rows_;
  FloatMap narrow_;  // after the horizontal pass
};

/// Bilinear interpolation with half-pixel centres, as
/// torch.nn.functional.interpolate(mode="bilinear", align_corners=False).
FloatMap resize_bilinear(const FloatMap& map, int width, int height);

/// The same with antialias=True: where it shrinks, each result is a mean weighted by a triangle
/// over all that it covers.
FloatMap resize_bilinear_antialiased(const FloatMap& map, int width, int height);

}  // namespace alref
