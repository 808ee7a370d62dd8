// SPDX-License-Identifier: Apache-2.0
#include "metrics/boundary.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace alref::metrics {

Mask boundary_of(const Mask& mask) {
  Mask boundary(mask.width, mask.height);
  const int last_x = mask.width - 1, last_y = mask.height - 1;
  for (int y = 0; y < mask.height; ++y) {
    const uint8_t* here = mask.row(y);
    const uint8_t* below = y < last_y ? mask.row(y + 1) : here;
    uint8_t* out = boundary.row(y);
    for (int x = 0; x < mask.width; ++x) {
      const bool inside = here[x] != 0;
      const bool right = x < last_x && inside != (here[x + 1] != 0);
      const bool down = y < last_y && inside != (below[x] != 0);
      const bool diagonal = x < last_x && y < last_y && inside != (below[x + 1] != 0);
      out[x] = right || down || diagonal;
    }
  }
  return boundary;
}

Mask dilate_by_disk(const Mask& mask, int radius) {
  std::vector<int> half_widths;  // of the disk's rows dy = 0 ... radius
  for (int dy = 0; dy <= radius; ++dy) {
    half_widths.push_back(
        static_cast<int>(std::sqrt(static_cast<double>(radius * radius - dy * dy))));
  }
  // For every row, +1 where a disk's span begins and -1 behind its end; running sums then tell what
  // is covered.
  const size_t stride = static_cast<size_t>(mask.width) + 1;
  std::vector<int> changes(stride * static_cast<size_t>(mask.height));
  for (int y = 0; y < mask.height; ++y) {
    const uint8_t* row = mask.row(y);
    for (int x = 0; x < mask.width; ++x) {
      if (!row[x]) continue;
      for (int dy = -radius; dy <= radius; ++dy) {
        if (y + dy < 0 || y + dy >= mask.height) continue;
        const int half = half_widths[static_cast<size_t>(std::abs(dy))];
        int* line = changes.data() + stride * static_cast<size_t>(y + dy);
        ++line[std::max(0, x - half)];
        --line[std::min(mask.width, x + half + 1)];
      }
    }
  }
  Mask dilated(mask.width, mask.height);
  for (int y = 0; y < mask.height; ++y) {
    int covered = 0;
    for (int x = 0; x < mask.width; ++x) {
      covered += changes[stride * static_cast<size_t>(y) + static_cast<size_t>(x)];
      dilated.row(y)[x] = covered > 0;
    }
  }
  return dilated;
}

}  // namespace alref::metrics
