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
  constexpr size_t kBlock = 255;  // so that a block's count fits into a byte
  size_t area = 0;
  for (size_t begin = 0; begin < pixels.size(); begin += kBlock) {
    const uint8_t* block = pixels.data() + begin;
    const size_t count = std::min(kBlock, pixels.size() - begin);
    uint8_t on = 0;
    for (size_t i = 0; i < count; ++i) on = static_cast<uint8_t>(on + (block[i] != 0));
    area += on;
  }
  return area;
}

Mask positive(const FloatMap& logits) {
  Mask mask(logits.width, logits.height);
  // Bytes may alias anything: through the vectors the compiler would have to read their addresses
  // anew for each pixel.
  const float* in = logits.values.data();
  uint8_t* out = mask.pixels.data();
  const size_t count = logits.values.size();
  for (size_t i = 0; i < count; ++i) out[i] = in[i] > 0;
  return mask;
}

}  // namespace alref
