// SPDX-License-Identifier: Apache-2.0
// A rotary encoding that alone reads a product is taken while the product's rows are in the caches;
// oracle: the formula in double.
#include <complex>

#include <gtest/gtest.h>

#include "compute/engine_testing.h"
#include "compute/nn/attention.h"
#include "compute/nn/linear.h"
#include "compute/ops/rope_op.h"

namespace alref::compute {
namespace {

struct Case {
  int batch, tokens, rotated, heads;
};

class RopeFusionTest : public ::testing::TestWithParam<std::tuple<Case, Precision>> {
 protected:
  static constexpr int kIn = 24, kDim = 16, kHeight = 3, kWidth = 5, kPlaces = kHeight * kWidth;
  static constexpr double kTheta = 100;

  const Case& p() const { return std::get<0>(GetParam()); }
  double tolerance() const {
    return std::get<1>(GetParam()) == Precision::kF32 ? kF32Tolerance : kBf16Tolerance;
  }
  int out() const { return p().heads * kDim; }

  std::vector<double> expected() const {
    const std::vector<double> sums = model.linear({x.begin(), x.end()}, "q");
    std::vector<double> result;
    for (int row = 0; row < p().batch * p().tokens; ++row) {
      for (int pair = 0; pair < out() / 2; ++pair) {
        const int token = row % p().tokens, place = token % kPlaces, i = pair % (kDim / 2);
        const double at = i < kDim / 4 ? place % kWidth : place / kWidth;
        const double* of_pair = sums.data() + row * out() + 2 * pair;
        std::complex<double> z(of_pair[0], of_pair[1]);
        if (token < p().rotated)
          z *= std::polar(1.0, at * std::pow(kTheta, -4.0 * (i % (kDim / 4)) / kDim));
        result.push_back(z.real());
        result.push_back(z.imag());
      }
    }
    return result;
  }
  std::vector<float> run(const std::function<ggml_tensor*(Graph&, ggml_tensor*)>& then) {
    return model.run(
        {{{p().batch, p().tokens, kIn}, x},
         {{kWidth + kHeight, kDim / 2}, axial_rope_table(kHeight, kWidth, kDim, kTheta)}},
        [&](Graph& g, auto in) {
          return then(g, rope(g, q(g, in[0]), in[1], kWidth, p().rotated));
        });
  }

  const std::vector<float> x = random_values(static_cast<size_t>(p().batch * p().tokens) * kIn, 6);
  TinyModel model{{{"q.weight", {out(), kIn}}, {"q.bias", {out()}}},
                  4,
                  test_device(2, std::get<1>(GetParam()))};
  nn::Linear q{model.weights() / "q", kIn, out()};
};

TEST_P(RopeFusionTest, MatchesTheFormulaInDouble) {
  EXPECT_LE(relative_error(run([](Graph&, ggml_tensor* y) { return y; }), expected()), tolerance());
}

// Attention to keys that are all the same is their mean value, whatever the weights.
TEST_P(RopeFusionTest, AttentionReadsIt) {
  const auto got = run([&](Graph& g, ggml_tensor* y) {
    ggml_tensor* same = ggml_scale(
        g.context(),
        ggml_view_3d(g.context(), y, out(), p().tokens, p().batch, y->nb[1], y->nb[2], 0), 0);
    return nn::attention(g, same, same, y, p().heads, 1);
  });
  std::vector<double> means;
  const std::vector<double> rows = expected();
  for (int row = 0; row < p().batch * p().tokens; ++row) {
    for (int c = 0; c < out(); ++c) {
      double mean = 0;
      for (int token = 0; token < p().tokens; ++token)
        mean += rows[(row / p().tokens * p().tokens + token) * out() + c];
      means.push_back(mean / p().tokens);
    }
  }
  EXPECT_LE(relative_error(got, means), 5 * tolerance());
}

TEST_P(RopeFusionTest, KeysAndQueriesAreReadAsTheyAreStored) {
  const auto attend = [&](bool kept) {
    return run([&](Graph& g, ggml_tensor* y) {
      if (kept) g.output(y);
      return nn::attention(g, y, y, y, p().heads, 0.25f);
    });
  };
  EXPECT_EQ(attend(false), attend(true));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, RopeFusionTest,
    ::testing::Combine(::testing::Values(Case{1, 15, 15, 2}, Case{2, 37, 30, 4},
                                         Case{1, 33, 15, 3},       // rows that are no whole vectors
                                         Case{2, 1100, 1090, 4}),  // more than a block of rows
                       ::testing::Values(Precision::kF32, Precision::kBf16)));

}  // namespace
}  // namespace alref::compute
