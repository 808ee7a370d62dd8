// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/patch_merge_op.h"

#include <algorithm>

#include "compute/row_at.h"

namespace alref::compute {
namespace {

class PatchMergeOp : public CustomOp {
 public:
  std::string_view name() const override { return "patch merge"; }

  void run(ggml_tensor* node, int part, int parts) const override {
    const ggml_tensor* x = node->src[0];
    const int64_t channels = x->ne[0], out_width = node->ne[1], out_height = node->ne[2];
    const Range mine = share(node->ne[3] * out_height, part, parts);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      float* out = static_cast<float*>(node->data) + i * out_width * 4 * channels;
      for (int64_t column = 0; column < out_width; ++column) {
        for (int64_t k = 0; k < 4; ++k, out += channels) {
          const int64_t y = i % out_height * 2 + k % 2, xx = column * 2 + k / 2;
          if (y < x->ne[2] && xx < x->ne[1]) {
            std::copy_n(row_at(x, xx, y, i / out_height), channels, out);
          } else {
            std::fill_n(out, channels, 0.0f);
          }
        }
      }
    }
  }
};

}  // namespace

ggml_tensor* patch_merge(Graph& g, ggml_tensor* x) {
  return custom(g, std::make_shared<PatchMergeOp>(),
                {x->ne[3], (x->ne[2] + 1) / 2, (x->ne[1] + 1) / 2, 4 * x->ne[0]}, {x});
}

}  // namespace alref::compute
