// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/max_pool_op.h"

#include <algorithm>

#include "compute/row_at.h"

namespace alref::compute {

void MaxPool2x2Op::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor* x = node->src[0];
  const int64_t channels = node->ne[0], width = node->ne[1], height = node->ne[2];
  const Range mine = share(node->ne[3] * height, part, parts);
  for (int64_t line = mine.begin; line < mine.end; ++line) {
    const int64_t n = line / height, row = line % height * 2;
    for (int64_t column = 0; column < width; ++column) {
      const float *a = row_at(x, 2 * column, row, n), *b = row_at(x, 2 * column + 1, row, n),
                  *c = row_at(x, 2 * column, row + 1, n),
                  *d = row_at(x, 2 * column + 1, row + 1, n);
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
