// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace alref::reasoning {

struct BoxColour {
  const char* name;
  double red, green, blue;
};

/// The colours of boxes 1 to 6, by the names that the questions use.
inline constexpr std::array<BoxColour, 6> kBoxColours = {{{"green", 0, 0.5, 0},
                                                          {"magenta", 1, 0, 1},
                                                          {"orange", 1, 0.647, 0},
                                                          {"blue", 0, 0, 1},
                                                          {"red", 1, 0, 0},
                                                          {"yellow", 1, 1, 0}}};

/// How the frames of a clip are drawn into one picture. Circles are in pixels of the source frame
/// and shrink with it, lines and figures in those of the strip, as in the reference (matplotlib at
/// 100 dots an inch, 5 inches a frame).
struct StripStyle {
  int columns = 1;            ///< 1: frames under one another; 5: rows of five
  int frame_width = 500;      ///< of one frame in the strip
  double number_centre = 50;  ///< x and y of the frame number's circle
  double number_radius = 35;
  double box_number_radius = 25;
};

/// The boxes drawn on one frame of a strip, in pixels of the source frame.
struct MarkedBoxes {
  int frame = 1;  ///< 1-based place in the strip
  std::vector<Box> boxes;
};

/// The frames (of one size, at least one), each with its number 1, 2, ... in a filled circle. At
/// most six boxes.
Image draw_strip(std::span<const std::shared_ptr<const Image>> frames, const StripStyle& style = {},
                 const std::optional<MarkedBoxes>& marks = std::nullopt);

/// The image itself where neither side is longer than `side`, else scaled down so that the longer
/// one is.
Image shrink_to(const Image& image, int side);

}  // namespace alref::reasoning
