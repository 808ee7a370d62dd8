// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace alref::compute::onednn {

/// y = x / 2 * (1 + erf(x / sqrt 2)) + residual, n values; for processors without AVX-512, which
/// kernels/ needs. y may be x or residual; residual may be null. Infinity and NaN
/// pass, -infinity gives NaN, as the formula does.
void gelu(const float* x, const float* residual, float* y, int64_t n);

}  // namespace alref::compute::onednn
