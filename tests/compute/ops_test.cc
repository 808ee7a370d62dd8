// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "compute/ops/patch_merge_op.h"
#include "compute/ops/sine_embedding_op.h"
#include "compute/ops/softmax_pool_op.h"
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

struct PoolCase {
  int batch, rows, columns, channels;
};
class SoftmaxPoolTest : public ::testing::TestWithParam<PoolCase> {};

// f32 sums over n rows, with weights that differ by up to e^8: 1e-5 as elsewhere.
TEST_P(SoftmaxPoolTest, MatchesTheFormulaInDouble) {
  const PoolCase& p = GetParam();
  const auto scores = random_values(static_cast<size_t>(p.batch) * p.rows * p.columns, 1);
  const auto x = random_values(static_cast<size_t>(p.batch) * p.rows * p.channels, 2);
  TinyModel model({});
  const std::vector<float> got =
      model.run({{{p.batch, p.rows, p.columns}, scores}, {{p.batch, p.rows, p.channels}, x}},
                [](Graph& g, auto in) { return softmax_pool(g, in[0], in[1]); });
  std::vector<double> expected;
  for (int b = 0; b < p.batch; ++b) {
    for (int m = 0; m < p.columns; ++m) {
      std::vector<double> sum(static_cast<size_t>(p.channels));
      double total = 0;
      for (int n = 0; n < p.rows; ++n) {
        const double weight =
            std::exp(double{scores[static_cast<size_t>((b * p.rows + n) * p.columns + m)]});
        total += weight;
        for (int c = 0; c < p.channels; ++c) {
          sum[static_cast<size_t>(c)] +=
              weight * x[static_cast<size_t>((b * p.rows + n) * p.channels + c)];
        }
      }
      for (double s : sum) expected.push_back(s / total);
    }
  }
  EXPECT_LE(relative_error(got, expected), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SoftmaxPoolTest,
                         ::testing::Values(PoolCase{1, 1, 1, 1}, PoolCase{2, 700, 48, 256},
                                           PoolCase{1, 513, 19, 72}, PoolCase{3, 40, 5, 30}));

TEST(SoftmaxPoolTest, StaysFiniteForLargeScores) {
  TinyModel model({});
  const std::vector<float> got =
      model.run({{{1, 2, 1}, {60000, -60000}}, {{1, 2, 2}, {1, 2, 3, 4}}},
                [](Graph& g, auto in) { return softmax_pool(g, in[0], in[1]); });
  EXPECT_EQ(got, (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace alref::compute
