// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/convolution.h"

#include <cstring>

#include "compute/onednn/product.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {
namespace {

using kernels::BlockKernels;

// The input values under output pixel `row`, [kernel_h, kernel_w, channels of the group], zeros
// outside the map.
class Patches {
 public:
  Patches(const BlockKernels& kernels, const ConvolutionParams& params, const ggml_tensor* node,
          int64_t group)
      : kernels_(kernels),
        p_(params),
        x_(node->src[0]),
        node_(node),
        channels_(x_->ne[0] / params.groups),
        first_(group * channels_) {}

  void operator()(int64_t row, int64_t count, std::byte* block, int64_t stride) const {
    const int64_t taps = p_.kernel_h * p_.kernel_w;
    // Adjacent pixels of a row are adjacent in memory too, if the group is all channels.
    const bool joined =
        p_.groups == 1 && x_->nb[1] == static_cast<size_t>(channels_) * sizeof(float);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = row + i, ox = at % node_->ne[1], oy = at / node_->ne[1] % node_->ne[2],
                    n = at / node_->ne[1] / node_->ne[2];
      std::byte* patch = block + static_cast<size_t>(i * stride) * kernels_.element_bytes;
      zero(patch, taps * channels_, kernels_.padded(taps * channels_) - taps * channels_);
      const int64_t x0 = ox * p_.stride_w - p_.pad_w;
      const int64_t begin = std::max<int64_t>(0, -x0), end = std::min(p_.kernel_w, x_->ne[1] - x0);
      for (int64_t ky = 0; ky < p_.kernel_h; ++ky) {
        const int64_t iy = oy * p_.stride_h + ky - p_.pad_h, tap = ky * p_.kernel_w;
        if (iy < 0 || iy >= x_->ne[2] || begin >= end) {
          zero(patch, tap * channels_, p_.kernel_w * channels_);
          continue;
        }
        zero(patch, tap * channels_, begin * channels_);
        if (joined) {
          convert(row_at(x_, x0 + begin, iy, n), patch, (tap + begin) * channels_,
                  (end - begin) * channels_);
        } else {
          for (int64_t kx = begin; kx < end; ++kx) {
            convert(row_at(x_, x0 + kx, iy, n) + first_, patch, (tap + kx) * channels_, channels_);
          }
        }
        zero(patch, (tap + end) * channels_, (p_.kernel_w - end) * channels_);
      }
    }
  }

 private:
  void zero(std::byte* patch, int64_t begin, int64_t count) const {
    std::memset(patch + static_cast<size_t>(begin) * kernels_.element_bytes, 0,
                static_cast<size_t>(count) * kernels_.element_bytes);
  }
  // The zeros after it are overwritten by the next tap.
  void convert(const float* x, std::byte* patch, int64_t begin, int64_t count) const {
    const void* row = x;
    kernels_.from_f32.convert(&row, 1, count,
                              patch + static_cast<size_t>(begin) * kernels_.element_bytes, 0);
  }

  const BlockKernels& kernels_;
  const ConvolutionParams& p_;
  const ggml_tensor* x_;
  const ggml_tensor* node_;
  int64_t channels_, first_;
};

void run_depthwise(Engine& engine, const ConvolutionOp& op, ggml_tensor* node) {
  const ConvolutionParams& p = op.params();
  const ggml_tensor *x = node->src[0], *bias = op.bias(node);
  engine.reserve_thread_scratch(static_cast<size_t>(p.kernel_h) * sizeof(float*));
  engine.parallel(node->ne[2] * node->ne[3], [&](int64_t row, int thread) {
    const int64_t oy = row % node->ne[2], n = row / node->ne[2];
    auto* lines = reinterpret_cast<const float**>(engine.thread_scratch(thread));
    for (int64_t ky = 0; ky < p.kernel_h; ++ky) {
      const int64_t iy = oy + ky - p.pad_h;
      lines[ky] = iy < 0 || iy >= x->ne[2] ? nullptr : row_at(x, 0, iy, n);
    }
    engine.rows()->depthwise_row(
        {.lines = lines,
         .weight = static_cast<const float*>(node->src[1]->data),
         .bias = bias ? static_cast<const float*>(bias->data) : nullptr,
         .result = static_cast<float*>(node->data) + row * node->ne[1] * node->ne[0],
         .width = x->ne[1],
         .out_width = node->ne[1],
         .channels = node->ne[0],
         .kernel_h = p.kernel_h,
         .kernel_w = p.kernel_w,
         .pad_w = p.pad_w,
         .pixel_stride = static_cast<std::ptrdiff_t>(x->nb[1] / sizeof(float))});
  });
}

}  // namespace

void run_convolution(Engine& engine, WeightCache& weights, const ConvolutionOp& op,
                     ggml_tensor* node) {
  const ConvolutionParams& p = op.params();
  const ggml_tensor *x = node->src[0], *weight = node->src[1], *bias = op.bias(node);
  const int64_t out = node->ne[0], group_in = x->ne[0] / p.groups, group_out = out / p.groups;
  if (group_in == 1 && group_out == 1 && p.stride_h == 1 && p.stride_w == 1)
    return run_depthwise(engine, op, node);

  const BlockKernels& kernels = *engine.fast();
  const int64_t k = p.kernel_h * p.kernel_w * group_in,
                pixels = node->ne[1] * node->ne[2] * node->ne[3];
  for (int64_t group = 0; group < p.groups; ++group) {
    const std::byte* packed =
        weights.plain(engine, kernels, weight, k, out, group * group_out, group_out);
    kernels::Epilogue e;
    if (bias) e.bias = static_cast<const float*>(bias->data) + group * group_out;
    multiply(engine, kernels, pixels, k, group_out, packed,
             static_cast<float*>(node->data) + group * group_out, out, e,
             Patches(kernels, p, node, group));
  }
}

}  // namespace alref::compute::onednn
