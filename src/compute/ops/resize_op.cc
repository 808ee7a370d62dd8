// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/resize_op.h"

#include <algorithm>

#include "compute/row_at.h"

namespace alref::compute {

namespace {

// [from] -> [taps.size()]
void resize_line(const std::vector<Taps>& all, const float* x, float* y) {
  for (const Taps& taps : all) {
    float sum = 0;
    for (size_t l = 0; l < taps.weights.size(); ++l)
      sum += taps.weights[l] * x[taps.first + static_cast<int64_t>(l)];
    *y++ = sum;
  }
}

}  // namespace

// Lines first: the compiler can add them up several values at a time.
void ResizeOp::run_plane(ggml_tensor* node, Range lines) const {
  const ggml_tensor* x = node->src[0];
  const int64_t width = node->ne[1], height = node->ne[2];
  std::vector<float> mixed(static_cast<size_t>(x->ne[1]));
  for (int64_t line = lines.begin; line < lines.end; ++line) {
    const Taps& row = rows_[static_cast<size_t>(line % height)];
    std::ranges::fill(mixed, 0.0f);
    for (size_t k = 0; k < row.weights.size(); ++k) {
      const float* from = row_at(x, 0, row.first + static_cast<int64_t>(k), line / height);
      for (size_t i = 0; i < mixed.size(); ++i) mixed[i] += row.weights[k] * from[i];
    }
    resize_line(columns_, mixed.data(), static_cast<float*>(node->data) + line * width);
  }
}

void ResizeOp::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor* x = node->src[0];
  const int64_t channels = node->ne[0], width = node->ne[1], height = node->ne[2];
  const Range mine = share(node->ne[3] * height, part, parts);
  if (channels == 1 && x->nb[1] == sizeof(float)) return run_plane(node, mine);
  for (int64_t line = mine.begin; line < mine.end; ++line) {
    const Taps& row = rows_[static_cast<size_t>(line % height)];
    for (int64_t column = 0; column < width; ++column) {
      const Taps& taps = columns_[static_cast<size_t>(column)];
      float* y = static_cast<float*>(node->data) + (line * width + column) * channels;
      std::fill_n(y, channels, 0.0f);
      for (size_t k = 0; k < row.weights.size(); ++k) {
        for (size_t l = 0; l < taps.weights.size(); ++l) {
          const float weight = row.weights[k] * taps.weights[l];
          const float* pixel = row_at(x, taps.first + static_cast<int64_t>(l),
                                      row.first + static_cast<int64_t>(k), line / height);
          for (int64_t c = 0; c < channels; ++c) y[c] += weight * pixel[c];
        }
      }
    }
  }
}

}  // namespace alref::compute
