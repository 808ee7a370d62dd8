// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/rope_op.h"

#include <algorithm>
#include <cmath>

#include "compute/row_at.h"

namespace alref::compute {

void RopeOp::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor *x = node->src[0], *table = node->src[1];
  const int64_t width = node->ne[0], tokens = node->ne[1], half = table->ne[0],
                places = width_ * (table->ne[1] - width_);
  const Range mine = share(tokens * node->ne[2], part, parts);
  for (int64_t row = mine.begin; row < mine.end; ++row) {
    const int64_t token = row % tokens;
    const float* from = row_at(x, token, row / tokens);
    float* to = static_cast<float*>(node->data) + row * width;
    if (token >= rotated_) {
      std::copy_n(from, width, to);
      continue;
    }
    const int64_t place = token % places;
    const float* turns[] = {row_at(table, place % width_), row_at(table, width_ + place / width_)};
    for (int64_t begin = 0; begin < width; begin += half) {
      const float* turn = turns[begin / half % 2];
      for (int64_t i = 0; i < half; i += 2) {
        const float re = from[begin + i], im = from[begin + i + 1];
        to[begin + i] = re * turn[i] - im * turn[i + 1];
        to[begin + i + 1] = re * turn[i + 1] + im * turn[i];
      }
    }
  }
}

ggml_tensor* rope(Graph& g, ggml_tensor* x, ggml_tensor* table, int64_t width, int64_t rotated) {
  GGML_ASSERT(table->ne[0] % 2 == 0 && x->ne[0] % (2 * table->ne[0]) == 0);
  GGML_ASSERT(width > 0 && width < table->ne[1] && rotated <= x->ne[1]);
  return custom(g, std::make_shared<RopeOp>(width, rotated), {x->ne[2], x->ne[1], x->ne[0]},
                {x, table});
}

std::vector<float> axial_rope_table(int64_t height, int64_t width, int64_t dim, double theta) {
  GGML_ASSERT(dim % 4 == 0);
  std::vector<float> table;
  for (const int64_t count : {width, height}) {
    for (int64_t position = 0; position < count; ++position) {
      for (int64_t i = 0; i < dim / 4; ++i) {
        const double angle =
            static_cast<double>(position) /
            std::pow(theta, 4.0 * static_cast<double>(i) / static_cast<double>(dim));
        table.push_back(static_cast<float>(std::cos(angle)));
        table.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }
  return table;
}

}  // namespace alref::compute
