// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/linear.h"

namespace alref::compute::nn {

ggml_tensor* activate(Graph& g, ggml_tensor* x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return ggml_relu(g.context(), x);
    case Activation::kGelu:
      return ggml_gelu_erf(g.context(), x);
  }
  return x;
}

Linear::Linear(const Weights& w, int64_t in, int64_t out, bool bias)
    : weight_(w.tensor("weight", {out, in})), bias_(bias ? w.f32("bias", {out}) : nullptr) {}

ggml_tensor* Linear::operator()(Graph& g, ggml_tensor* x) const {
  ggml_tensor* y = ggml_mul_mat(g.context(), weight_, x);
  return bias_ ? ggml_add(g.context(), y, bias_) : y;
}

Linear pointwise(const Weights& w, int64_t in, int64_t out) {
  return Linear(w.constant("weight (as a matrix)", {out, in}, w.values("weight", {out, in, 1, 1})),
                w.f32("bias", {out}));
}

Linear folded(const Weights& w, const Weights& inner, const Weights& outer,
              const Shape& inner_shape, const Shape& outer_shape) {
  const int64_t in = inner_shape[1], middle = inner_shape[0], out = outer_shape[0];
  GGML_ASSERT(outer_shape[1] == middle);
  const std::vector<float> a = inner.values("weight", inner_shape),
                           a_bias = inner.values("bias", {middle});
  const std::vector<float> b = outer.values("weight", outer_shape),
                           b_bias = outer.values("bias", {out});
  std::vector<float> weight, bias;
  for (int64_t o = 0; o < out; ++o) {
    std::vector<double> row(static_cast<size_t>(in));
    double offset = b_bias[static_cast<size_t>(o)];
    for (int64_t m = 0; m < middle; ++m) {
      const double factor = b[static_cast<size_t>(o * middle + m)];
      offset += factor * a_bias[static_cast<size_t>(m)];
      for (int64_t i = 0; i < in; ++i) {
        row[static_cast<size_t>(i)] += factor * a[static_cast<size_t>(m * in + i)];
      }
    }
    weight.insert(weight.end(), row.begin(), row.end());
    bias.push_back(static_cast<float>(offset));
  }
  return Linear(w.constant("weight (folded)", {out, in}, weight),
                w.constant("bias (folded)", {out}, bias));
}

Mlp::Mlp(const Weights& w, const std::vector<int64_t>& dims, Activation activation)
    : activation_(activation) {
  for (size_t i = 0; i + 1 < dims.size(); ++i) {
    layers_.emplace_back(w / "layers" / static_cast<int64_t>(i), dims[i], dims[i + 1]);
  }
}

ggml_tensor* Mlp::operator()(Graph& g, ggml_tensor* x) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i](g, x);
    if (i + 1 < layers_.size()) x = activate(g, x, activation_);
  }
  return x;
}

}  // namespace alref::compute::nn
