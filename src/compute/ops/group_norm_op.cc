// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/group_norm_op.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "compute/ops/vector_math.h"

namespace alref::compute {
namespace {

constexpr int64_t kBlock = 64;  // pixels that stay in the first-level cache for a second look

// Channels next to each other of one image: `count` of every `stride` values, `pixels` times.
struct Channels {
  const float* x;
  int64_t pixels, stride, count;
};

// Each channel's mean, and the sum of the squared distances from it. Blocks are looked at twice and
// put together in double (Chan et al.), so that a mean far from 0 costs no precision.
ALREF_FOR_EACH_CPU void moments(const Channels& in, double* means, double* squares) {
  const auto count = static_cast<size_t>(in.count);
  std::vector<float> mean(count), square(count);
  std::fill_n(means, count, 0.0);
  std::fill_n(squares, count, 0.0);
  for (int64_t first = 0; first < in.pixels; first += kBlock) {
    const int64_t some = std::min(kBlock, in.pixels - first);
    const float* block = in.x + first * in.stride;
    std::fill(mean.begin(), mean.end(), 0.0f);
    std::fill(square.begin(), square.end(), 0.0f);
    float *m = mean.data(), *s = square.data();
    for (int64_t i = 0; i < some; ++i) {
      for (int64_t c = 0; c < in.count; ++c) m[c] += block[i * in.stride + c];
    }
    for (int64_t c = 0; c < in.count; ++c) m[c] /= static_cast<float>(some);
    for (int64_t i = 0; i < some; ++i) {
      for (int64_t c = 0; c < in.count; ++c) {
        const float d = block[i * in.stride + c] - m[c];
        s[c] += d * d;
      }
    }
    const auto before = static_cast<double>(first), more = static_cast<double>(some);
    for (int64_t c = 0; c < in.count; ++c) {
      const double apart = static_cast<double>(m[c]) - means[c];
      squares[c] += static_cast<double>(s[c]) + apart * apart * before * more / (before + more);
      means[c] += apart * more / (before + more);
    }
  }
}

ALREF_FOR_EACH_CPU void scale(const Channels& in, const float* mean, const float* factor,
                              const float* bias, float* y) {
  for (int64_t i = 0; i < in.pixels; ++i) {
    const float* x = in.x + i * in.stride;
    float* out = y + i * in.stride;
    for (int64_t c = 0; c < in.count; ++c) out[c] = (x[c] - mean[c]) * factor[c] + bias[c];
  }
}

class GroupNormOp : public CustomOp {
 public:
  GroupNormOp(int64_t groups, float eps) : groups_(groups), eps_(eps) {}

  std::string_view name() const override { return "group norm"; }

  void run(ggml_tensor* node, int part, int parts) const override {
    const Range mine = share(node->ne[3] * groups_, part, parts);
    for (int64_t begin = mine.begin, end; begin < mine.end; begin = end) {
      end = std::min(mine.end, (begin / groups_ + 1) * groups_);
      run_groups(node, begin / groups_, begin % groups_, end - begin);
    }
  }

 private:
  void run_groups(ggml_tensor* node, int64_t image, int64_t first, int64_t groups) const {
    const int64_t width = node->ne[0] / groups_, channel = first * width,
                  pixels = node->ne[1] * node->ne[2];
    const int64_t offset = image * pixels * node->ne[0] + channel;
    const Channels in{static_cast<const float*>(node->src[0]->data) + offset, pixels, node->ne[0],
                      groups * width};
    const auto *weight = static_cast<const float*>(node->src[1]->data) + channel,
               *bias = static_cast<const float*>(node->src[2]->data) + channel;
    const auto count = static_cast<size_t>(in.count);
    std::vector<double> means(count), squares(count);
    moments(in, means.data(), squares.data());
    std::vector<float> mean(count), factor(count);
    for (int64_t group = 0; group < groups; ++group) {
      const auto begin = static_cast<size_t>(group * width),
                 end = begin + static_cast<size_t>(width);
      double middle = 0, variance = 0;
      for (size_t c = begin; c < end; ++c) middle += means[c] / static_cast<double>(width);
      for (size_t c = begin; c < end; ++c) {
        const double apart = means[c] - middle;
        variance +=
            (squares[c] / static_cast<double>(pixels) + apart * apart) / static_cast<double>(width);
      }
      for (size_t c = begin; c < end; ++c) {
        mean[c] = static_cast<float>(middle);
        factor[c] = static_cast<float>(weight[c] / std::sqrt(variance + static_cast<double>(eps_)));
      }
    }
    scale(in, mean.data(), factor.data(), bias, static_cast<float*>(node->data) + offset);
  }

  int64_t groups_;
  float eps_;
};

}  // namespace

ggml_tensor* group_norm(Graph& g, ggml_tensor* x, ggml_tensor* weight, ggml_tensor* bias,
                        int64_t groups, float eps) {
  GGML_ASSERT(ggml_is_contiguous(x) && x->ne[0] % groups == 0);
  return custom(g, std::make_shared<GroupNormOp>(groups, eps),
                {x->ne[3], x->ne[2], x->ne[1], x->ne[0]}, {x, weight, bias});
}

}  // namespace alref::compute
