// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/max_pool_op.h"

#include <algorithm>

namespace alref::compute {

void MaxPool2x2Op::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor* x = node->src[0];
  const int64_t channels = node->ne[0], width = node->ne[1], height = node->ne[2];
  const auto pixel = [x](int64_t n, int64_t row, int64_t column) {
    return reinterpret_cast<const float*>(
        static_cast<const char*>(x->data) + static_cast<size_t>(column) * x->nb[1] +
        static_cast<size_t>(row) * x->nb[2] + static_cast<size_t>(n) * x->nb[3]);
  };
  const Range mine = share(node->ne[3] * height, part, parts);
  for (int64_t line = mine.begin; line < mine.end; ++line) {
    const int64_t n = line / height, row = line % height * 2;
    for (int64_t column = 0; column < width; ++column) {
      const float *a = pixel(n, row, 2 * column), *b = pixel(n, row, 2 * column + 1),
                  *c = pixel(n, row + 1, 2 * column), *d = pixel(n, row + 1, 2 * column + 1);
      float* y = static_cast<float*>(node->data) + (line * width + column) * channels;
      for (int64_t i = 0; i < channels; ++i) {
        y[i] = std::max(std::max(a[i], b[i]), std::max(c[i], d[i]));
      }
    }
  }
}

ggml_tensor* max_pool_2x2(Graph& g, ggml_tensor* x) {
  GGML_ASSERT(x->ne[1] % 2 == 0 && x->ne[2] % 2 == 0);
  return custom(g, std::make_shared<MaxPool2x2Op>(),
                {x->ne[3], x->ne[2] / 2, x->ne[1] / 2, x->ne[0]}, {x});
}

}  // namespace alref::compute
