// SPDX-License-Identifier: Apache-2.0
#include "alref/types.h"

#include <algorithm>

namespace alref {

float iou(const Box& a, const Box& b) {
  const Box overlap{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1),
                    std::min(a.y1, b.y1)};
  const float together = a.area() + b.area() - overlap.area();
  return together > 0 ? overlap.area() / together : 0;
}

size_t Mask::area() const {
  return static_cast<size_t>(
      std::count_if(pixels.begin(), pixels.end(), [](uint8_t p) { return p != 0; }));
}

Mask positive(const FloatMap& logits) {
  Mask mask(logits.width, logits.height);
  for (size_t i = 0; i < logits.values.size(); ++i) mask.pixels[i] = logits.values[i] > 0;
  return mask;
}

}  // namespace alref
