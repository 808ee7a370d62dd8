// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/linear.h"

namespace alref::compute::nn {

ggml_tensor* activate(Graph& g, ggml_tensor* x, Activation activation) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kRelu: return ggml_relu(g.context(), x);
    case Activation::kGelu: return ggml_gelu_erf(g.context(), x);
  }
  return x;
}

Linear::Linear(const Weights& w, int64_t in, int64_t out, bool bias)
    : weight_(w.tensor("weight", {out, in})), bias_(bias ? w.f32("bias", {out}) : nullptr) {}

ggml_tensor* Linear::operator()(Graph& g, ggml_tensor* x) const {
  ggml_tensor* y = ggml_mul_mat(g.context(), weight_, x);
  return bias_ ? ggml_add(g.context(), y, bias_) : y;
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
