// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/convolution_op.h"

#include <algorithm>

#include "compute/row_at.h"

namespace alref::compute {

void ConvolutionOp::run(ggml_tensor* node, int part, int parts) const {
  const ggml_tensor *x = node->src[0], *weight = node->src[1], *b = bias(node);
  const int64_t out_w = node->ne[1], out_h = node->ne[2], out_c = node->ne[0];
  const int64_t in_c = x->ne[0], in_w = x->ne[1], in_h = x->ne[2];
  const int64_t group_in = in_c / params_.groups, group_out = out_c / params_.groups;
  const float* w = static_cast<const float*>(weight->data);

  const Range mine = share(node->ne[3] * out_h, part, parts);
  for (int64_t row = mine.begin; row < mine.end; ++row) {
    const int64_t n = row / out_h, oy = row % out_h;
    for (int64_t ox = 0; ox < out_w; ++ox) {
      float* y = static_cast<float*>(node->data) + (row * out_w + ox) * out_c;
      if (b) {
        std::copy_n(static_cast<const float*>(b->data), out_c, y);
      } else {
        std::fill_n(y, out_c, 0.0f);
      }
      for (int64_t ky = 0; ky < params_.kernel_h; ++ky) {
        const int64_t iy = oy * params_.stride_h + ky - params_.pad_h;
        if (iy < 0 || iy >= in_h) continue;
        for (int64_t kx = 0; kx < params_.kernel_w; ++kx) {
          const int64_t ix = ox * params_.stride_w + kx - params_.pad_w;
          if (ix < 0 || ix >= in_w) continue;
          const float* pixel = row_at(x, ix, iy, n);
          const float* tap = w + (ky * params_.kernel_w + kx) * group_in * out_c;
          for (int64_t c = 0; c < group_in; ++c) {
            for (int64_t group = 0; group < params_.groups; ++group) {
              const float value = pixel[group * group_in + c];
              const float* wc = tap + c * out_c + group * group_out;
              float* yg = y + group * group_out;
              for (int64_t o = 0; o < group_out; ++o) yg[o] += value * wc[o];
            }
          }
        }
      }
    }
  }
}

}  // namespace alref::compute
