// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/product.h"

#include <cstring>

namespace alref::compute::onednn {

void finish_rows(const Engine& engine, const kernels::BlockKernels& kernels, const RowsAfter& after,
                 float* sums, int64_t first, int64_t count, int64_t n, float* c,
                 std::byte* elements, bool stream) {
  GGML_ASSERT(!elements || after.norms.empty());
  // In place: half as long, a row never reaches one that is still to be read.
  std::byte* converted = stream ? reinterpret_cast<std::byte*>(sums) : elements;
  const size_t row_bytes = static_cast<size_t>(n) * kernels.element_bytes;
  for (int64_t i = 0; i < count; ++i) {
    float* row = sums + i * n;
    float* out = elements ? row : c + i * n;
    for (const kernels::RowNorm& norm : after.norms) {
      const bool ends = &norm == &after.norms.back() && !after.rope;
      engine.rows()->layer_norm(row, ends ? out : row, 1, n, norm);
    }
    if (const auto& rope = after.rope) {
      const int64_t token = (first + i) % rope->tokens;
      if (token < rope->rotated) {
        const int64_t place = token % (rope->width * rope->height);
        const float* turns[] = {rope->table + place % rope->width * rope->half,
                                rope->table + (rope->width + place / rope->width) * rope->half};
        for (int64_t begin = 0; begin < n; begin += rope->half)
          engine.rows()->rotate(row + begin, out + begin, rope->half,
                                turns[begin / rope->half % 2]);
      } else if (!elements) {
        std::memcpy(out, row, static_cast<size_t>(n) * sizeof(float));
      }
    }
    if (elements) {
      const void* rotated = row;
      kernels.from_f32.convert(&rotated, 1, n, converted + static_cast<size_t>(i) * row_bytes, 0);
    }
  }
  if (elements && stream)
    engine.rows()->stream(sums, elements, static_cast<size_t>(count) * row_bytes);
}

}  // namespace alref::compute::onednn
