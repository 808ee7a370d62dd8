// SPDX-License-Identifier: Apache-2.0
#include "core/mask_scan.h"

#include <algorithm>

namespace alref {

std::array<int, 4> box_of(const Mask& mask) {
  const auto width = static_cast<size_t>(mask.width);
  size_t left = width, right = 0;
  int top = -1, bottom = -1;
  for (int y = 0; y < mask.height; ++y) {
    const uint8_t* row = mask.row(y);
    const size_t first = first_on(row, width);
    if (first == width) continue;
    if (top < 0) top = y;
    bottom = y;
    left = std::min(left, first);
    right = std::max(right, last_on(row, width));
  }
  if (top < 0) return {};
  return {static_cast<int>(left), top, static_cast<int>(right - left), bottom - top + 1};
}

std::optional<Box> bounds_of(const Mask& mask) {
  const auto [x, y, width, height] = box_of(mask);
  if (width == 0) return std::nullopt;
  const auto edge = [](int at) { return static_cast<float>(at); };
  return Box{edge(x), edge(y), edge(x + width), edge(y + height)};
}

}  // namespace alref
