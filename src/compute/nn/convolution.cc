// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/convolution.h"

#include "compute/device.h"

namespace alref::compute::nn {
namespace {

// [out, in, kh, kw] -> [kh, kw, in, out]
std::vector<float> channels_last(const std::vector<float>& weight, int64_t out, int64_t in,
                                 int64_t taps) {
  std::vector<float> result(weight.size());
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t t = 0; t < taps; ++t) {
        result[static_cast<size_t>((t * in + i) * out + o)] =
            weight[static_cast<size_t>((o * in + i) * taps + t)];
      }
    }
  }
  return result;
}

int64_t out_length(int64_t in, int64_t kernel, int64_t stride, int64_t pad) {
  return (in + 2 * pad - kernel) / stride + 1;
}

// Plain ggml, for devices that cannot run ConvolutionOp themselves: planes [N, C, H, W] by a weight
// [out, in, kh, kw].
ggml_tensor* convolve_planes(ggml_context* c, const ConvolutionParams& p, ggml_tensor* weight,
                             ggml_tensor* planes) {
  const auto convolve = [&](auto operation, ggml_tensor* w, ggml_tensor* x) {
    return operation(c, w, x, static_cast<int>(p.stride_w), static_cast<int>(p.stride_h),
                     static_cast<int>(p.pad_w), static_cast<int>(p.pad_h), 1, 1);
  };
  if (p.groups == 1) return convolve(ggml_conv_2d_direct, weight, planes);
  if (weight->ne[2] == 1 && weight->ne[3] == planes->ne[2]) {
    return convolve(ggml_conv_2d_dw_direct, weight, planes);
  }
  // ggml has no groups but these: one convolution each.
  const int64_t in = planes->ne[2] / p.groups, out = weight->ne[3] / p.groups;
  ggml_tensor* y = nullptr;
  for (int64_t group = 0; group < p.groups; ++group) {
    ggml_tensor* w =
        ggml_view_4d(c, weight, weight->ne[0], weight->ne[1], in, out, weight->nb[1], weight->nb[2],
                     weight->nb[3], static_cast<size_t>(group * out) * weight->nb[3]);
    ggml_tensor* x =
        ggml_view_4d(c, planes, planes->ne[0], planes->ne[1], in, planes->ne[3], planes->nb[1],
                     planes->nb[2], planes->nb[3], static_cast<size_t>(group * in) * planes->nb[2]);
    ggml_tensor* part = convolve(ggml_conv_2d_direct, w, ggml_cont(c, x));
    y = y ? ggml_concat(c, y, part, 2) : part;
  }
  return y;
}

}  // namespace

Convolution::Convolution(const Weights& w, int64_t in, int64_t out, const ConvolutionParams& params,
                         bool bias)
    : params_(params), bias_(bias ? w.f32("bias", {out}) : nullptr) {
  const int64_t group_in = in / params.groups;
  const Shape shape = {out, group_in, params.kernel_h, params.kernel_w};
  if (w.device().is_host()) {
    const std::vector<float> values = w.values("weight", shape);
    weight_ =
        w.constant("weight (channels last)", {params.kernel_h, params.kernel_w, group_in, out},
                   channels_last(values, out, group_in, params.kernel_h * params.kernel_w));
  } else {
    weight_ = w.f32("weight", shape);
  }
}

ggml_tensor* Convolution::operator()(Graph& g, ggml_tensor* x) const {
  const int64_t out_w = out_length(x->ne[1], params_.kernel_w, params_.stride_w, params_.pad_w);
  const int64_t out_h = out_length(x->ne[2], params_.kernel_h, params_.stride_h, params_.pad_h);
  if (g.prefers_custom_ops()) {
    auto op = std::make_shared<ConvolutionOp>(params_, bias_ != nullptr);
    const Shape shape = {x->ne[3], out_h, out_w, weight_->ne[0]};
    return bias_ ? custom(g, op, shape, {x, weight_, bias_}) : custom(g, op, shape, {x, weight_});
  }
  ggml_context* c = g.context();
  ggml_tensor* planes = ggml_cont(c, ggml_permute(c, x, 2, 0, 1, 3));  // [N, C, H, W]
  ggml_tensor* y = convolve_planes(c, params_, weight_, planes);
  y = ggml_cont(c, ggml_permute(c, y, 1, 2, 0, 3));  // [N, H', W', C]
  return bias_ ? ggml_add(c, y, bias_) : y;
}

ConvolutionTransposed2x2::ConvolutionTransposed2x2(const Weights& w, int64_t in, int64_t out)
    : out_(out) {
  const std::vector<float> weight = w.values("weight", {in, out, 2, 2});
  const std::vector<float> bias = w.values("bias", {out});
  std::vector<float> matrix(weight.size()), repeated;
  for (int64_t i = 0; i < in; ++i) {
    for (int64_t o = 0; o < out; ++o) {
      for (int64_t t = 0; t < 4; ++t) {
        matrix[static_cast<size_t>((t * out + o) * in + i)] =
            weight[static_cast<size_t>((i * out + o) * 4 + t)];
      }
    }
  }
  for (int t = 0; t < 4; ++t) repeated.insert(repeated.end(), bias.begin(), bias.end());
  weight_ = w.constant("weight (as a matrix)", {4 * out, in}, matrix);
  bias_ = w.constant("bias (repeated)", {4 * out}, repeated);
}

ggml_tensor* ConvolutionTransposed2x2::operator()(Graph& g, ggml_tensor* x) const {
  ggml_context* c = g.context();
  const int64_t width = x->ne[1], height = x->ne[2], batch = x->ne[3];
  ggml_tensor* y =
      ggml_add(c, ggml_mul_mat(c, weight_, x), bias_);  // [N, H, W, 2 (dy), 2 (dx), out]
  // Two dx neighbours stand beside each other already; rows dy = 0 and 1 of a line of pixels have
  // to come apart.
  y = ggml_reshape_4d(c, y, 2 * out_, 2, width, height * batch);
  y = ggml_cont(c, ggml_permute(c, y, 0, 2, 1, 3));  // [N * H, 2 (dy), W, 2 (dx) * out]
  return ggml_reshape_4d(c, y, out_, 2 * width, 2 * height, batch);
}

}  // namespace alref::compute::nn
