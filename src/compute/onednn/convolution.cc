// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/convolution.h"

#include <cstring>
#include <tuple>
#include <vector>

#include "compute/onednn/product.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {
namespace {

using kernels::BlockKernels;

// The input values under output pixel `row`, [kernel_h, kernel_w, channels of the group], zeros
// outside the map. A line of them is converted once for all pixels of the result that it lies
// under.
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
    while (count > 0) {  // a piece of one line of the result at a time
      const int64_t ox = row % node_->ne[1], pixels = std::min(count, node_->ne[1] - ox);
      gather(ox, row / node_->ne[1], pixels, block, bytes(stride));
      row += pixels, count -= pixels;
      block += static_cast<size_t>(pixels) * bytes(stride);
    }
  }

 private:
  size_t bytes(int64_t elements) const {
    return static_cast<size_t>(elements) * kernels_.element_bytes;
  }

  void gather(int64_t ox, int64_t row, int64_t pixels, std::byte* block, size_t stride) const {
    const int64_t oy = row % node_->ne[2], n = row / node_->ne[2],
                  below = (pixels - 1) * p_.stride_w + p_.kernel_w;  // input pixels
    thread_local std::vector<std::byte> line;
    line.resize(bytes(below * channels_ + 32));  // what is converted ends with zeros
    const size_t tap = bytes(p_.kernel_w * channels_),
                 patch = bytes(p_.kernel_h * p_.kernel_w * channels_),
                 rest = bytes(kernels_.padded(p_.kernel_h * p_.kernel_w * channels_)) - patch,
                 step = bytes(p_.stride_w * channels_);
    for (int64_t ky = 0; ky < p_.kernel_h; ++ky) {
      convert(ox * p_.stride_w - p_.pad_w, oy * p_.stride_h + ky - p_.pad_h, n, below, line.data());
      std::byte* to = block + static_cast<size_t>(ky) * tap;
      for (int64_t i = 0; i < pixels; ++i, to += stride)
        std::memcpy(to, line.data() + static_cast<size_t>(i) * step, tap);
    }
    for (int64_t i = 0; i < pixels; ++i)
      std::memset(block + static_cast<size_t>(i) * stride + patch, 0, rest);
  }

  // The group's channels of pixels [x, x + count) of a line, zeros outside the map.
  void convert(int64_t x, int64_t y, int64_t n, int64_t count, std::byte* line) const {
    const int64_t begin = std::clamp<int64_t>(-x, 0, count),
                  end = y < 0 || y >= x_->ne[2] ? begin : std::clamp(x_->ne[1] - x, begin, count);
    std::memset(line, 0, bytes(begin * channels_));
    std::byte* to = line + bytes(begin * channels_);
    // Zeros that follow a converted part are overwritten by the next.
    if (x_->nb[1] == static_cast<size_t>(channels_) * sizeof(float)) {
      const void* all = row_at(x_, x + begin, y, n);
      if (end > begin) kernels_.from_f32.convert(&all, 1, (end - begin) * channels_, to, 0);
    } else {
      for (int64_t i = begin; i < end; ++i, to += bytes(channels_)) {
        const void* pixel = row_at(x_, x + i, y, n) + first_;
        kernels_.from_f32.convert(&pixel, 1, channels_, to, 0);
      }
    }
    std::memset(line + bytes(end * channels_), 0, bytes((count - end) * channels_));
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

bool is_depthwise(const ConvolutionParams& p, const ggml_tensor* node) {
  return p.groups == node->src[0]->ne[0] && p.groups == node->ne[0] && p.stride_h == 1 &&
         p.stride_w == 1;
}

bool has_few_channels(const ConvolutionParams& p, const ggml_tensor* node) {
  const ggml_tensor* x = node->src[0];
  const int64_t in = x->ne[0], out = node->ne[0];
  return p.groups == 1 && x->nb[1] == static_cast<size_t>(in) * sizeof(float) && out <= 16 &&
         16 % out == 0 && p.kernel_h * p.kernel_w * in <= 64 &&
         (out == 16 || kernels::FewChannelsRow::span(in, out, p.kernel_w, p.stride_w) <= 16);
}

// values [rows, out] -> [rows, 16]: each row over and over.
void repeat(const float* values, int64_t rows, int64_t out, float* to) {
  for (int64_t row = 0; row < rows; ++row, values += out) {
    for (int64_t i = 0; i < 16; ++i) *to++ = values[i % out];
  }
}

// Copies the lines under a line of the result into `padded` [kernel_h, values], between what stands
// at their ends; `lines` says where each is, null for those outside the map.
void pad_lines(const ConvolutionParams& p, const ggml_tensor* node, int64_t line, int64_t values,
               float* padded, const float** lines) {
  const ggml_tensor* x = node->src[0];
  const int64_t oy = line % node->ne[2], n = line / node->ne[2];
  for (int64_t ky = 0; ky < p.kernel_h; ++ky, padded += values) {
    const int64_t iy = oy * p.stride_h + ky - p.pad_h;
    lines[ky] = iy < 0 || iy >= x->ne[2] ? nullptr : padded;
    if (lines[ky])
      std::memcpy(padded + p.pad_w * x->ne[0], row_at(x, 0, iy, n),
                  static_cast<size_t>(x->ne[1] * x->ne[0]) * sizeof(float));
  }
}

// So few multiplications a pixel that gathering operands for a product would take longer than they
// do. In f32.
void run_few_channels(Engine& engine, const ConvolutionOp& op, ggml_tensor* node) {
  const ConvolutionParams& p = op.params();
  const ggml_tensor *x = node->src[0], *bias = op.bias(node);
  const int64_t in = x->ne[0], out = node->ne[0], taps = p.kernel_h * p.kernel_w * in,
                values = (x->ne[1] + 2 * p.pad_w) * in;
  // The kernel may read 16 values beyond the last line.
  const auto padded_size = static_cast<size_t>(p.kernel_h * values + 16);
  const auto parts = [&](Carver& carver) {
    return std::tuple(carver.take<const float*>(static_cast<size_t>(p.kernel_h)),
                      carver.take<float>(padded_size),
                      carver.take<float>(static_cast<size_t>(taps * 16)), carver.take<float>(16));
  };
  Carver sizes;
  parts(sizes);
  engine.reserve_thread_scratch(sizes.used());
  constexpr int64_t kLines = 16;  // that a thread takes at a time
  const int64_t count = node->ne[2] * node->ne[3];
  engine.parallel((count + kLines - 1) / kLines, [&](int64_t item, int thread) {
    Carver carver(engine.thread_scratch(thread));
    const auto [lines, padded, weights, offsets] = parts(carver);
    std::fill_n(padded, padded_size, 0.0f);
    std::fill_n(offsets, 16, 0.0f);
    repeat(static_cast<const float*>(node->src[1]->data), taps, out, weights);
    if (bias) repeat(static_cast<const float*>(bias->data), 1, out, offsets);
    for (int64_t line = item * kLines; line < std::min(count, (item + 1) * kLines); ++line) {
      pad_lines(p, node, line, values, padded, lines);
      engine.rows()->few_channels_row(
          {.lines = lines,
           .weight = weights,
           .bias = offsets,
           .result = static_cast<float*>(node->data) + line * node->ne[1] * out,
           .out_width = node->ne[1],
           .in = in,
           .out = out,
           .kernel_h = p.kernel_h,
           .kernel_w = p.kernel_w,
           .stride_w = p.stride_w});
    }
  });
}

}  // namespace

bool multiplies(const ConvolutionOp& op, const ggml_tensor* node) {
  return !is_depthwise(op.params(), node) && !has_few_channels(op.params(), node);
}

void run_convolution(Engine& engine, WeightCache& weights, const ConvolutionOp& op,
                     ggml_tensor* node, ggml_tensor* sum) {
  const ConvolutionParams& p = op.params();
  if (is_depthwise(p, node)) return run_depthwise(engine, op, node);
  if (has_few_channels(p, node)) return run_few_channels(engine, op, node);

  const ggml_tensor *x = node->src[0], *weight = node->src[1], *bias = op.bias(node);
  const int64_t out = node->ne[0], group_in = x->ne[0] / p.groups, group_out = out / p.groups;
  const BlockKernels& kernels = *engine.fast();
  const int64_t k = p.kernel_h * p.kernel_w * group_in,
                pixels = node->ne[1] * node->ne[2] * node->ne[3];
  for (int64_t group = 0; group < p.groups; ++group) {
    const std::byte* packed =
        weights.plain(engine, kernels, weight, k, out, group * group_out, group_out);
    kernels::Epilogue e;
    if (bias) e.bias = static_cast<const float*>(bias->data) + group * group_out;
    if (sum) {
      const ggml_tensor* residual = sum->src[sum->src[0] == node ? 1 : 0];
      e.residual = static_cast<const float*>(residual->data) + group * group_out;
      e.residual_stride = out;
    }
    multiply(engine, kernels, pixels, k, group_out, packed,
             static_cast<float*>((sum ? sum : node)->data) + group * group_out, out, e,
             Patches(kernels, p, node, group));
  }
}

}  // namespace alref::compute::onednn
