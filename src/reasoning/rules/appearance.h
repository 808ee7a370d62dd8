// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <string_view>

namespace alref::reasoning {

/// How often each basic colour occurs in a region, as shares that sum to 1; enough to tell a red
/// car from a blue one, and one dog from another when their paths cross.
class ColourHistogram {
 public:
  static constexpr std::array<std::string_view, 11> kNames = {"black", "white", "grey",   "red",
                                                              "green", "blue",  "yellow", "orange",
                                                              "brown", "pink",  "purple"};

  /// Of the pixels of `box` in the image (at most about 1,000 of them, evenly spread, its rim left
  /// out).
  static ColourHistogram of(const Image& image, const Box& box);

  /// 0 for a name that is none of kNames.
  double share(std::string_view colour) const;
  /// Intersection of the two, in [0, 1].
  double similarity(const ColourHistogram& other) const;
  /// Adds `other` with a weight, keeping the sum at 1.
  void blend(const ColourHistogram& other, double weight);

 private:
  std::array<double, kNames.size()> shares_{};
};

/// Index into ColourHistogram::kNames of the name that people most likely give to an sRGB colour.
int colour_index(int red, int green, int blue);

}  // namespace alref::reasoning
