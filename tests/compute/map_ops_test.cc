// SPDX-License-Identifier: Apache-2.0
// Operators on maps and rows against the formulae in double. Sums of n products in f32 err by about
// sqrt(n) * 2^-24 of their size, 1e-6 for the sizes here; 1e-5 leaves room for another order of
// summation.
#include <complex>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/nn/linear.h"
#include "compute/nn/position_encoding.h"
#include "compute/ops/max_pool_op.h"
#include "compute/ops/rope_op.h"
#include "compute/ops/window_attention_op.h"
#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

constexpr double kTolerance = 1e-5;

TEST(MaxPoolTest, TakesTheLargestOfEachSquareOfAStridedView) {
  constexpr int kBatch = 2, kHeight = 4, kWidth = 6, kChannels = 5, kAll = 8;
  const auto x = random_values(kBatch * kHeight * kWidth * kAll, 1);
  TinyModel model({});
  const std::vector<float> got =
      model.run({{{kBatch, kHeight, kWidth, kAll}, x}}, [&](Graph& g, auto in) {
        ggml_tensor* t = in[0];  // channels 2 to 6 of 8
        return max_pool_2x2(g, ggml_view_4d(g.context(), t, kChannels, kWidth, kHeight, kBatch,
                                            t->nb[1], t->nb[2], t->nb[3], 2 * sizeof(float)));
      });

  std::vector<float> expected;
  for (int n = 0; n < kBatch; ++n) {
    for (int y = 0; y < kHeight; y += 2) {
      for (int xx = 0; xx < kWidth; xx += 2) {
        for (int c = 2; c < 2 + kChannels; ++c) {
          float top = -INFINITY;
          for (int i = 0; i < 4; ++i) {
            top = std::max(top, x[((n * kHeight + y + i / 2) * kWidth + xx + i % 2) * kAll + c]);
          }
          expected.push_back(top);
        }
      }
    }
  }
  EXPECT_EQ(got, expected);
}

TEST(RopeTest, TurnsRowsByTheirPlaceAndLeavesTheRest) {
  constexpr int kHeight = 2, kWidth = 3, kHeads = 2, kDim = 8, kRows = 15, kRotated = 12,
                kBatch = 2;
  constexpr double kTheta = 100;
  const std::vector<float> table = axial_rope_table(kHeight, kWidth, kDim, kTheta);
  const auto x = random_values(kBatch * kRows * kHeads * kDim, 2);
  TinyModel model({});
  const std::vector<float> got =
      model.run({{{kBatch, kRows, kHeads * kDim}, x}, {{kWidth + kHeight, kDim / 2}, table}},
                [&](Graph& g, auto in) { return rope(g, in[0], in[1], kWidth, kRotated); });

  std::vector<double> expected;
  for (int row = 0; row < kBatch * kRows; ++row) {
    for (int pair = 0; pair < kHeads * kDim / 2; ++pair) {
      std::complex<double> z(x[row * kHeads * kDim + 2 * pair],
                             x[row * kHeads * kDim + 2 * pair + 1]);
      const int place = row % kRows % (kHeight * kWidth), i = pair % (kDim / 2);
      const double at = i < kDim / 4 ? place % kWidth : place / kWidth;
      const double frequency = std::pow(kTheta, -4.0 * (i % (kDim / 4)) / kDim);
      if (row % kRows < kRotated) z *= std::polar(1.0, at * frequency);
      expected.push_back(z.real());
      expected.push_back(z.imag());
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

TEST(SineEncodingTest, PutsTheRowBeforeTheColumn) {
  constexpr int kHeight = 3, kWidth = 4, kDim = 8;
  const std::vector<float> got = nn::sine_encoding(kHeight, kWidth, kDim, 10000);
  ASSERT_EQ(got.size(), static_cast<size_t>(kHeight * kWidth * kDim));
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const float* pixel = got.data() + (y * kWidth + x) * kDim;
      const double row = 2 * std::numbers::pi * (y + 1) / kHeight,
                   column = 2 * std::numbers::pi * (x + 1) / kWidth;
      // temperature^(2 / 4) = 100. The 1e-6 of the official normalisation moves an angle by 2 pi
      // 1e-6 at most.
      EXPECT_THAT(std::vector<float>(pixel, pixel + kDim),
                  ::testing::Pointwise(
                      ::testing::FloatNear(1e-5f),
                      std::vector<double>{std::sin(row), std::cos(row), std::sin(row / 100),
                                          std::cos(row / 100), std::sin(column), std::cos(column),
                                          std::sin(column / 100), std::cos(column / 100)}));
    }
  }
}

TEST(FoldedLinearTest, EqualsTheTwoInTurn) {
  TinyModel model(
      {{"a.weight", {5, 3, 1, 1}}, {"a.bias", {5}}, {"b.weight", {4, 5}}, {"b.bias", {4}}});
  const Weights w = model.weights();
  const nn::Linear folded = nn::folded(w / "a", w / "a", w / "b", {5, 3, 1, 1}, {4, 5});
  const nn::Linear first = nn::pointwise(w / "a", 3, 5), second(w / "b", 5, 4);
  const std::vector<std::pair<Shape, std::vector<float>>> input = {
      {{7, 3}, random_values(7 * 3, 3)}};
  const auto got = model.run(input, [&](Graph& g, auto in) { return folded(g, in[0]); });
  const auto expected =
      model.run(input, [&](Graph& g, auto in) { return second(g, first(g, in[0])); });
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

struct WindowCase {
  int batch, height, width, window, pool, heads, dim;
  int shift = 0;
  bool bias = false;
};

class WindowAttentionTest : public ::testing::TestWithParam<WindowCase> {};

// The strip of a rolled, filled map that a line belongs to (the slices of GroundingDINO's
// swin_transformer.py, class BasicLayer): pixels of different strips do not see each other.
int strip(int position, int length, const WindowCase& p) {
  if (p.shift == 0 || position < length - p.window) return 0;
  return position < length - p.shift ? 1 : 2;
}

// Oracle: filling up, roll, partition, attention with bias and mask, merge and roll back, as in the
// official codes, in double.
TEST_P(WindowAttentionTest, MatchesPartitionAttentionAndMerge) {
  const WindowCase& p = GetParam();
  const int channels = p.heads * p.dim, hq = p.height / p.pool, wq = p.width / p.pool,
            wq_side = p.window / p.pool, places = p.window * p.window;
  const auto q = random_values(p.batch * hq * wq * channels, 1);
  const auto qkv = random_values(p.batch * p.height * p.width * 3 * channels, 2);
  const auto pad = random_values(3 * channels, 3);
  const auto bias = random_values(p.heads * places * places, 4);
  TinyModel model({});
  const std::vector<float> got = model.run(
      {{{p.batch, hq, wq, channels}, q},
       {{p.batch, p.height, p.width, 3 * channels}, qkv},
       {{3 * channels}, pad},
       {{p.heads, places, places}, bias}},
      [&](Graph& g, auto in) {
        ggml_context* c = g.context();
        const auto part = [&](int i) {
          return ggml_view_4d(c, in[1], channels, p.width, p.height, p.batch, in[1]->nb[1],
                              in[1]->nb[2], in[1]->nb[3],
                              static_cast<size_t>(i * channels) * sizeof(float));
        };
        const auto padding = [&](int i) {
          return ggml_view_1d(c, in[2], channels,
                              static_cast<size_t>(i * channels) * sizeof(float));
        };
        return window_attention(
            g, {.heads = p.heads, .window = p.window, .query_window = wq_side, .shift = p.shift},
            in[0], part(1), part(2), padding(1), padding(2), p.bias ? in[3] : nullptr);
      });

  const int filled_h = (p.height + p.window - 1) / p.window * p.window,
            filled_w = (p.width + p.window - 1) / p.window * p.window;
  // Of the rolled map.
  const auto kv = [&](int n, int rolled_y, int rolled_x, int which, int c) -> double {
    const int y = (rolled_y + p.shift) % filled_h, x = (rolled_x + p.shift) % filled_w;
    if (y >= p.height || x >= p.width) return pad[which * channels + c];
    return qkv[((n * p.height + y) * p.width + x) * 3 * channels + which * channels + c];
  };
  const auto region = [&](int y, int x) {
    return 3 * strip(y, filled_h, p) + strip(x, filled_w, p);
  };
  std::vector<double> expected;
  for (int n = 0; n < p.batch; ++n) {
    for (int y = 0; y < hq; ++y) {
      for (int x = 0; x < wq; ++x) {
        const int qy = (y - p.shift + filled_h) % filled_h,
                  qx = (x - p.shift + filled_w) % filled_w;
        const int y0 = qy / wq_side * p.window, x0 = qx / wq_side * p.window,
                  i = qy % wq_side * wq_side + qx % wq_side;
        for (int h = 0; h < p.heads; ++h) {
          std::vector<double> weights, out(p.dim);
          double sum = 0;
          for (int j = 0; j < places; ++j) {
            const int ky = y0 + j / p.window, kx = x0 + j % p.window;
            double score = 0;
            for (int c = h * p.dim; c < (h + 1) * p.dim; ++c) {
              score += q[((n * hq + y) * wq + x) * channels + c] * kv(n, ky, kx, 1, c);
            }
            score /= std::sqrt(p.dim);
            if (p.bias) score += bias[(h * places + i) * places + j];
            if (p.shift && region(qy, qx) != region(ky, kx)) score -= 100;
            weights.push_back(std::exp(score));
            sum += weights.back();
          }
          for (int j = 0; j < places; ++j) {
            for (int c = 0; c < p.dim; ++c) {
              out[c] +=
                  weights[j] / sum * kv(n, y0 + j / p.window, x0 + j % p.window, 2, h * p.dim + c);
            }
          }
          expected.insert(expected.end(), out.begin(), out.end());
        }
      }
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, WindowAttentionTest,
    ::testing::Values(WindowCase{1, 8, 12, 4, 1, 2, 8}, WindowCase{2, 8, 8, 4, 2, 1, 16},
                      WindowCase{1, 10, 6, 4, 1, 2, 5}, WindowCase{1, 16, 18, 14, 2, 2, 12},
                      WindowCase{1, 9, 9, 7, 1, 4, 24}, WindowCase{1, 14, 21, 7, 1, 3, 32, 0, true},
                      WindowCase{2, 14, 21, 7, 1, 3, 32, 3, true},
                      WindowCase{1, 17, 9, 7, 1, 2, 16, 3, true},
                      WindowCase{1, 3, 5, 4, 1, 1, 8, 2, true},
                      WindowCase{2, 9, 9, 4, 1, 2, 8, 2, false}));

}  // namespace
}  // namespace alref::compute
