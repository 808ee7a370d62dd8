// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/resize.h"

#include "compute/ops/resize_op.h"

namespace alref::compute::nn {
namespace {

uint32_t ggml_mode(Resampling mode) {
  switch (mode) {
    case Resampling::kNearest:
      return GGML_SCALE_MODE_NEAREST;
    case Resampling::kBilinear:
      return GGML_SCALE_MODE_BILINEAR;
    case Resampling::kBilinearAntialiased:
      return static_cast<uint32_t>(GGML_SCALE_MODE_BILINEAR) |
             static_cast<uint32_t>(GGML_SCALE_FLAG_ANTIALIAS);
    case Resampling::kBicubic:
      return GGML_SCALE_MODE_BICUBIC;
  }
  GGML_ABORT("no such resampling");
}

}  // namespace

ggml_tensor* resize(Graph& g, ggml_tensor* x, int64_t height, int64_t width, Resampling mode) {
  if (x->ne[1] == width && x->ne[2] == height) return x;
  if (g.prefers_custom_ops()) {
    return custom(g,
                  std::make_shared<ResizeOp>(resize_taps(mode, x->ne[2], height),
                                             resize_taps(mode, x->ne[1], width)),
                  {x->ne[3], height, width, x->ne[0]}, {x});
  }
  ggml_context* c = g.context();
  x = ggml_cont(c, ggml_permute(c, x, 2, 0, 1, 3));  // ggml resizes channel planes
  x = ggml_interpolate(c, x, width, height, x->ne[2], x->ne[3], ggml_mode(mode));
  return ggml_cont(c, ggml_permute(c, x, 1, 2, 0, 3));
}

}  // namespace alref::compute::nn
