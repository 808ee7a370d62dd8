// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/gelu.h"

#include <algorithm>

#include "compute/ops/vector_math.h"

namespace alref::compute::onednn {
namespace {

using simd::F32;
using simd::kLanes;

// erf by Abramowitz and Stegun 7.1.26, as in kernels/vector_math.h: absolute error below 1.5e-7.
ALREF_INLINE void gelu_of(F32& x) {
  const F32 z = (x < 0 ? -x : x) * 0.70710678f;
  const F32 t = 1.0f / (z * 0.3275911f + 1.0f);
  F32 p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  F32 e = -z * z;
  simd::exp(e);
  const F32 half = x * 0.5f;
  const F32 tail = (half < 1e30f ? half : F32{} + 1e30f) * (p * t * e);  // not inf * 0
  x = x < 0 ? tail : x - tail;
}

ALREF_FOR_EACH_CPU void gelu_of(const float* x, const float* residual, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t some = std::min<int64_t>(kLanes, n - i);
    alignas(64) float part[kLanes] = {};
    std::copy_n(x + i, some, part);
    F32 v;
    simd::load(v, part);
    gelu_of(v);
    simd::store(part, v);
    for (int64_t j = 0; residual && j < some; ++j) part[j] += residual[i + j];
    std::copy_n(part, some, y + i);
  }
}

}  // namespace

void gelu(const float* x, const float* residual, float* y, int64_t n) {
  gelu_of(x, residual, y, n);
}

}  // namespace alref::compute::onednn
