// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace alref::compute::onednn {

/// What attention sums up over blocks of keys, for each row of a block of queries: weights 2^(score
/// - top) times values, the highest score in powers of two, and the sum of weights.
struct Sums {
  float *result, *tops, *sums;
};

/// Adds rows [first, first + count) of all chunks of keys up in the first chunk, under the highest
/// top. Rows of the result have `columns` values and are `stride` apart.
inline void join(std::span<const Sums> chunks, int64_t first, int64_t count, int64_t columns,
                 int64_t stride) {
  for (int64_t row = first; row < first + count; ++row) {
    float top = -INFINITY;
    for (const Sums& chunk : chunks) top = std::max(top, chunk.tops[row]);
    const auto share = [&](const Sums& chunk) {  // also where no key counts, or none of the chunk's
      return chunk.tops[row] == -INFINITY ? 0.0f : std::exp2(chunk.tops[row] - top);
    };
    float* result = chunks.front().result + row * stride;
    float& sum = chunks.front().sums[row];
    const float own = share(chunks.front());
    sum *= own;
    for (int64_t c = 0; c < columns; ++c) result[c] *= own;
    for (const Sums& chunk : chunks.subspan(1)) {
      const float scale = share(chunk);
      sum += scale * chunk.sums[row];
      const float* more = chunk.result + row * stride;
      for (int64_t c = 0; c < columns; ++c) result[c] += scale * more[c];
    }
  }
}

}  // namespace alref::compute::onednn
