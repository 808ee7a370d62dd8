// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gtest/gtest.h>

#include "compute/ops/patch_merge_op.h"
#include "compute/ops/sine_embedding_op.h"
#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

std::vector<float> counted(size_t n) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i + 1);
  return values;
}

TEST(PatchMergeTest, TakesColumnsOfSquares) {
  TinyModel model({});
  const std::vector<float> got = model.run({{{1, 3, 2, 1}, counted(6)}},
                                           [](Graph& g, auto in) { return patch_merge(g, in[0]); });
  EXPECT_EQ(got, (std::vector<float>{1, 3, 2, 4, 5, 0, 6, 0}));
}

TEST(SigmoidTest, MatchesTheFormulaInDouble) {
  TinyModel model({});
  std::vector<float> x = random_values(37, 3);
  for (const float end : {-200.0f, -30.0f, 0.0f, 30.0f, 200.0f, -INFINITY, INFINITY})
    x.push_back(end);
  const std::vector<float> got =
      model.run({{{1, static_cast<int64_t>(x.size())}, x}},
                [](Graph& g, auto in) { return ggml_sigmoid(g.context(), in[0]); });
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(got[i], 1 / (1 + std::exp(-double{x[i]})), 3e-7) << x[i];
}

TEST(SineEmbeddingTest, InterleavesSinesAndCosines) {
  TinyModel model({});
  const std::vector<float> got = model.run({{{1, 1, 2}, {0.25f, 0.1f}}}, [](Graph& g, auto in) {
    return sine_embedding(g, {.order = {1, 0}, .features = 4, .temperature = 100}, in[0]);
  });
  std::vector<double> expected;
  for (double x : {0.1, 0.25}) {
    for (double t : {1.0, 10.0}) {
      expected.push_back(std::sin(2 * M_PI * x / t));
      expected.push_back(std::cos(2 * M_PI * x / t));
    }
  }
  EXPECT_LE(relative_error(got, expected), 1e-6);
}

struct SoftmaxCase {
  int batch, rows, heads, n;
  bool masked = true;
  float scale = 1;
};
class SoftmaxTest : public ::testing::TestWithParam<SoftmaxCase> {};

// Exponents of up to 10 have rounding errors of 10 * 2^-24.
TEST_P(SoftmaxTest, MatchesTheFormulaInDouble) {
  const SoftmaxCase& p = GetParam();
  const auto x = random_values(static_cast<size_t>(p.batch) * p.rows * p.heads * p.n, 1);
  auto mask = random_values(static_cast<size_t>(p.batch) * p.heads * p.n, 2);
  if (p.n > 1) mask.back() = -INFINITY;
  TinyModel model({});
  const std::vector<float> got = model.run(
      {{{p.batch, p.rows, p.heads, p.n}, x}, {{p.batch, 1, p.heads, p.n}, mask}},
      [&](Graph& g, auto in) {
        return ggml_soft_max_ext(g.context(), in[0], p.masked ? in[1] : nullptr, p.scale, 0);
      });
  std::vector<double> expected;
  for (size_t row = 0; row < x.size() / p.n; ++row) {
    const size_t head = row % p.heads + row / p.heads / p.rows * p.heads;
    std::vector<double> weights;
    double total = 0;
    for (int i = 0; i < p.n; ++i) {
      const double added = p.masked ? double{mask[head * p.n + i]} : 0.0;
      weights.push_back(std::exp(double{p.scale} * x[row * p.n + i] + added));
      total += weights.back();
    }
    for (double weight : weights) expected.push_back(weight / total);
  }
  EXPECT_LE(relative_error(got, expected), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SoftmaxTest,
                         ::testing::Values(SoftmaxCase{1, 1, 1, 1}, SoftmaxCase{2, 700, 4, 12},
                                           SoftmaxCase{1, 31, 3, 19, true, 0.3f},
                                           SoftmaxCase{3, 5, 2, 300, false, 2.0f}));

TEST(SoftmaxTest, StaysFiniteForLargeScores) {
  TinyModel model({});
  const std::vector<float> got =
      model.run({{{2, 2}, {60000, -60000, -1e30f, 1e30f}}},
                [](Graph& g, auto in) { return ggml_soft_max(g.context(), in[0]); });
  EXPECT_EQ(got, (std::vector<float>{1, 0, 0, 1}));
}

}  // namespace
}  // namespace alref::compute
