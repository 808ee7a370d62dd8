// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/holes.h"

#include <algorithm>

namespace alref::sam2 {

void fill_holes(FloatMap& logits, int max_area) {
  constexpr float kFilled = 0.1f;
  const int width = logits.width, height = logits.height;
  std::vector<uint8_t> seen(logits.values.size());
  std::vector<int> piece;
  for (int seed = 0; seed < width * height; ++seed) {
    if (seen[static_cast<size_t>(seed)] || logits.values[static_cast<size_t>(seed)] > 0) continue;
    piece.assign(1, seed);
    seen[static_cast<size_t>(seed)] = 1;
    for (size_t next = 0; next < piece.size(); ++next) {
      const int x = piece[next] % width, y = piece[next] / width;
      for (int ny = std::max(0, y - 1); ny <= std::min(height - 1, y + 1); ++ny) {
        for (int nx = std::max(0, x - 1); nx <= std::min(width - 1, x + 1); ++nx) {
          const int place = ny * width + nx;
          const auto at = static_cast<size_t>(place);
          if (seen[at] || logits.values[at] > 0) continue;
          seen[at] = 1;
          piece.push_back(place);
        }
      }
    }
    if (piece.size() > static_cast<size_t>(max_area)) continue;
    for (const int at : piece) logits.values[static_cast<size_t>(at)] = kFilled;
  }
}

}  // namespace alref::sam2
