// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/sine_embedding_op.h"

#include <cmath>
#include <numbers>

namespace alref::compute {
namespace {

class SineEmbeddingOp : public CustomOp {
 public:
  explicit SineEmbeddingOp(SineEmbeddingParams params) : params_(std::move(params)) {}

  std::string_view name() const override { return "sine embedding"; }

  void run(ggml_tensor* node, int part, int parts) const override {
    const ggml_tensor* x = node->src[0];
    const Range mine = share(ggml_nrows(node), part, parts);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const float* from = static_cast<const float*>(x->data) + i * x->ne[0];
      float* to = static_cast<float*>(node->data) + i * node->ne[0];
      for (int input : params_.order) {
        sine_embedding(from[input], params_.features, params_.temperature, to);
        to += params_.features;
      }
    }
  }

 private:
  SineEmbeddingParams params_;
};

}  // namespace

ggml_tensor* sine_embedding(Graph& g, const SineEmbeddingParams& params, ggml_tensor* x) {
  GGML_ASSERT(ggml_is_contiguous(x));
  const auto blocks = static_cast<int64_t>(params.order.size());
  return custom(g, std::make_shared<SineEmbeddingOp>(params),
                {x->ne[3], x->ne[2], x->ne[1], blocks * params.features}, {x});
}

void sine_embedding(float x, int64_t features, float temperature, float* out) {
  const float angle = x * 2 * std::numbers::pi_v<float>;
  for (int64_t i = 0; i < features; i += 2) {
    const float t = std::pow(temperature, static_cast<float>(i) / static_cast<float>(features));
    out[i] = std::sin(angle / t);
    if (i + 1 < features) out[i + 1] = std::cos(angle / t);
  }
}

}  // namespace alref::compute
