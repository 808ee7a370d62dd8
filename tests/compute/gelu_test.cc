// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/gelu.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace alref::compute::onednn {
namespace {

double formula(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

// erf errs by 1.5e-7 at most (gelu.cc), which counts x / 2 times, and f32 rounds by 2^-24 a few
// times.
double tolerance(double x) { return 3e-7 * (1 + std::abs(x)); }

TEST(GeluTest, MatchesTheFormulaInDoubleForAnyLengthAndInPlace) {
  for (const int n : {1, 15, 16, 17, 400}) {
    std::vector<float> x, residual;
    for (int i = 0; i < n; ++i) {
      const int mixed = i * 37 % n - n / 2;
      x.push_back(static_cast<float>(mixed) / 16);
      residual.push_back(static_cast<float>(i % 5));
    }
    std::vector<float> plain(x.size() + 1, 7.0f), sum = residual;
    gelu(x.data(), nullptr, plain.data(), n);
    gelu(x.data(), sum.data(), sum.data(), n);
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(plain[i], formula(x[i]), tolerance(x[i])) << x[i];
      EXPECT_NEAR(sum[i], formula(x[i]) + residual[i], tolerance(x[i] + residual[i])) << x[i];
    }
    EXPECT_EQ(plain.back(), 7.0f) << "wrote beyond its result";
  }
}

TEST(GeluTest, InfinityAndNanAreAsInTheFormula) {
  const std::vector<float> x = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 0};
  std::vector<float> y(x.size());
  gelu(x.data(), nullptr, y.data(), static_cast<int64_t>(x.size()));
  EXPECT_EQ(y[0], INFINITY);
  EXPECT_TRUE(std::isnan(y[1]));  // infinity times 0, as in PyTorch
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], 3e38f);
  EXPECT_EQ(y[4], 0);
  EXPECT_EQ(y[5], 0);
}

}  // namespace
}  // namespace alref::compute::onednn
