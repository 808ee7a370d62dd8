// SPDX-License-Identifier: Apache-2.0
// Oracles are the formulae in double. f32 sums of n products err by about sqrt(n) * 2^-24 of their
// size: 1e-6 for the sizes here; 1e-5 leaves room for another order of summation.
#include "alref/error.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/nn/attention.h"
#include "compute/nn/convolution.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "compute/tiny_model.h"

namespace alref::compute::nn {
namespace {

constexpr double kTolerance = 1e-5;

TEST(LinearTest, MultipliesAndAddsTheBias) {
  TinyModel model({{"fc.weight", {5, 7}}, {"fc.bias", {5}}});
  const Linear linear(model.weights() / "fc", 7, 5);
  const std::vector<float> x = random_values(3 * 7, 2);

  const std::vector<float> got =
      model.run({{{3, 7}, x}}, [&](Graph& g, auto in) { return linear(g, in[0]); });

  std::vector<double> expected;
  for (int n = 0; n < 3; ++n) {
    for (int o = 0; o < 5; ++o) {
      double sum = model["fc.bias"][o];
      for (int i = 0; i < 7; ++i) sum += double{x[n * 7 + i]} * model["fc.weight"][o * 7 + i];
      expected.push_back(sum);
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

TEST(LinearTest, OfAnotherShapeIsRefusedWithBothShapes) {
  TinyModel model({{"fc.weight", {5, 7}}, {"fc.bias", {5}}});
  try {
    Linear(model.weights() / "fc", 5, 7);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_THAT(error.what(),
                ::testing::AllOf(::testing::HasSubstr("'fc.weight'"),
                                 ::testing::HasSubstr("[5, 7]"), ::testing::HasSubstr("[7, 5]")));
  }
}

// Widths that divide a vector have a way of their own: 1, 4, 16.
class LayerNormTest : public ::testing::TestWithParam<int> {};

TEST_P(LayerNormTest, NormalisesEachRow) {
  constexpr int kRows = 7;
  const int n = GetParam();
  TinyModel model({{"weight", {n}}, {"bias", {n}}});
  const LayerNorm norm(model.weights(), n, 1e-6f);
  const std::vector<float> x = random_values(static_cast<size_t>(kRows * n), 3);

  const std::vector<float> got =
      model.run({{{kRows, n}, x}}, [&](Graph& g, auto in) { return norm(g, in[0]); });

  std::vector<double> expected;
  for (int row = 0; row < kRows; ++row) {
    double mean = 0, variance = 0;
    for (int i = 0; i < n; ++i) mean += x[row * n + i] / static_cast<double>(n);
    for (int i = 0; i < n; ++i) variance += std::pow(x[row * n + i] - mean, 2) / n;
    for (int i = 0; i < n; ++i) {
      expected.push_back((x[row * n + i] - mean) / std::sqrt(variance + 1e-6) * model["weight"][i] +
                         model["bias"][i]);
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

TEST_P(LayerNormTest, NaNStaysInItsRow) {
  const int n = GetParam();
  TinyModel model({{"weight", {n}}, {"bias", {n}}});
  const LayerNorm norm(model.weights(), n, 1e-6f);
  std::vector<float> x = random_values(static_cast<size_t>(3 * n), 3);
  x[static_cast<size_t>(2 * n - 1)] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> got =
      model.run({{{3, n}, x}}, [&](Graph& g, auto in) { return norm(g, in[0]); });
  for (int i = 0; i < 3 * n; ++i) EXPECT_EQ(std::isnan(got[static_cast<size_t>(i)]), i / n == 1);
}

INSTANTIATE_TEST_SUITE_P(Widths, LayerNormTest, ::testing::Values(1, 4, 6, 16, 33));

struct GroupNormCase {
  int height, width, channels, groups;
  float shift;
};
class GroupNormTest : public ::testing::TestWithParam<GroupNormCase> {};

TEST_P(GroupNormTest, NormalisesEachGroupOverAllPixels) {
  const auto [height, width, channels, groups, shift] = GetParam();
  const int pixels = height * width, size = channels / groups, all = 2 * pixels * channels;
  TinyModel model({{"weight", {channels}}, {"bias", {channels}}});
  const GroupNorm norm(model.weights(), groups, channels);
  std::vector<float> x = random_values(static_cast<size_t>(all), 3);
  for (float& value : x) value += shift;

  const std::vector<float> got = model.run({{{2, height, width, channels}, x}},
                                           [&](Graph& g, auto in) { return norm(g, in[0]); });

  std::vector<double> expected(x.size());
  for (int n = 0; n < 2; ++n) {
    for (int group = 0; group < groups; ++group) {
      std::vector<int> members;
      for (int p = 0; p < pixels; ++p) {
        for (int c = size * group; c < size * (group + 1); ++c)
          members.push_back((n * pixels + p) * channels + c);
      }
      double mean = 0, variance = 0;
      for (int i : members) mean += double{x[i]} / members.size();
      for (int i : members) variance += (x[i] - mean) * (x[i] - mean) / members.size();
      for (int i : members) {
        expected[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * model["weight"][i % channels] +
                      model["bias"][i % channels];
      }
    }
  }
  // A value errs by 2^-24 of the mean, which is `shift` standard deviations.
  EXPECT_LE(relative_error(got, expected), kTolerance * std::max(1.0f, shift));
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupNormTest,
                         ::testing::Values(GroupNormCase{2, 3, 4, 2, 0},
                                           GroupNormCase{13, 11, 96, 3, 0},
                                           GroupNormCase{9, 31, 15, 5, 30}));

struct AttentionCase {
  int batch, queries, keys, heads, dim, value_dim;
  bool bias;
  int masks;  // 0: none
};

class AttentionTest : public ::testing::TestWithParam<AttentionCase> {};

TEST_P(AttentionTest, MatchesTheFormulaInDouble) {
  const AttentionCase& p = GetParam();
  const int hd = p.heads * p.dim, hv = p.heads * p.value_dim;
  const auto q = random_values(p.batch * p.queries * hd, 1),
             k = random_values(p.batch * p.keys * hd, 2),
             v = random_values(p.batch * p.keys * hv, 3),
             bias = random_values(p.heads * p.queries * p.keys, 4),
             mask = random_values(std::max(1, p.masks) * p.queries * p.keys, 5);
  const float scale = 1 / std::sqrt(static_cast<float>(p.dim));
  TinyModel model({});

  const std::vector<float> got =
      model.run({{{p.batch, p.queries, hd}, q},
                 {{p.batch, p.keys, hd}, k},
                 {{p.batch, p.keys, hv}, v},
                 {{p.heads, p.queries, p.keys}, bias},
                 {{std::max(1, p.masks), p.queries, p.keys}, mask}},
                [&](Graph& g, auto in) {
                  return attention(g, in[0], in[1], in[2], p.heads, scale, p.bias ? in[3] : nullptr,
                                   p.masks ? in[4] : nullptr);
                });

  std::vector<double> expected;
  for (int b = 0; b < p.batch; ++b) {
    for (int i = 0; i < p.queries; ++i) {
      for (int h = 0; h < p.heads; ++h) {
        std::vector<double> weights;
        double sum = 0;
        for (int j = 0; j < p.keys; ++j) {
          double score = 0;
          for (int c = 0; c < p.dim; ++c) {
            score += double{q[(b * p.queries + i) * hd + h * p.dim + c]} *
                     k[(b * p.keys + j) * hd + h * p.dim + c];
          }
          score *= scale;
          if (p.bias) score += bias[(h * p.queries + i) * p.keys + j];
          if (p.masks) score += mask[((b % p.masks) * p.queries + i) * p.keys + j];
          weights.push_back(std::exp(score));
          sum += weights.back();
        }
        for (int c = 0; c < p.value_dim; ++c) {
          double value = 0;
          for (int j = 0; j < p.keys; ++j) {
            value += weights[j] / sum * v[(b * p.keys + j) * hv + h * p.value_dim + c];
          }
          expected.push_back(value);
        }
      }
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionTest,
                         ::testing::Values(AttentionCase{1, 1, 1, 1, 1, 1, false, 0},
                                           AttentionCase{2, 5, 7, 4, 8, 8, false, 0},
                                           AttentionCase{2, 5, 7, 4, 8, 6, true, 0},
                                           AttentionCase{6, 9, 9, 2, 16, 16, true, 3},
                                           AttentionCase{1, 33, 517, 1, 64, 32, false, 1}));

TEST(AttentionTest, WhereEverythingIsMaskedIsZero) {
  TinyModel model({});
  const std::vector<float> ones(4, 1.0f);
  const std::vector<float> got = model.run(
      {{{1, 1, 4}, ones}, {{1, 1, 4}, ones}, {{1, 1, 4}, ones}, {{1, 1, 1}, {-INFINITY}}},
      [&](Graph& g, auto in) { return attention(g, in[0], in[1], in[2], 1, 1, nullptr, in[3]); });
  EXPECT_EQ(got, std::vector<float>(4, 0.0f));
}

struct ConvolutionCase {
  int batch, height, width, in, out;
  ConvolutionParams params;
};

class ConvolutionTest : public ::testing::TestWithParam<ConvolutionCase> {};

TEST_P(ConvolutionTest, MatchesTheFormulaInDouble) {
  const auto& [batch, height, width, in, out, p] = GetParam();
  const int64_t group_in = in / p.groups, group_out = out / p.groups;
  TinyModel model({{"weight", {out, group_in, p.kernel_h, p.kernel_w}}, {"bias", {out}}});
  const Convolution convolution(model.weights(), in, out, p);
  const auto x = random_values(batch * height * width * in, 6);

  const std::vector<float> got = model.run({{{batch, height, width, in}, x}},
                                           [&](Graph& g, auto t) { return convolution(g, t[0]); });

  std::vector<double> expected;
  for (int n = 0; n < batch; ++n) {
    for (int oy = 0; oy <= (height + 2 * p.pad_h - p.kernel_h) / p.stride_h; ++oy) {
      for (int ox = 0; ox <= (width + 2 * p.pad_w - p.kernel_w) / p.stride_w; ++ox) {
        for (int o = 0; o < out; ++o) {
          double sum = model["bias"][o];
          for (int c = 0; c < group_in; ++c) {
            for (int ky = 0; ky < p.kernel_h; ++ky) {
              for (int kx = 0; kx < p.kernel_w; ++kx) {
                const int64_t y = oy * p.stride_h + ky - p.pad_h,
                              xx = ox * p.stride_w + kx - p.pad_w;
                if (y < 0 || y >= height || xx < 0 || xx >= width) continue;
                sum +=
                    double{x[((n * height + y) * width + xx) * in + o / group_out * group_in + c]} *
                    model["weight"][((o * group_in + c) * p.kernel_h + ky) * p.kernel_w + kx];
              }
            }
          }
          expected.push_back(sum);
        }
      }
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvolutionTest,
    ::testing::Values(
        ConvolutionCase{
            1,
            9,
            13,
            3,
            8,
            {.kernel_h = 7, .kernel_w = 7, .stride_h = 4, .stride_w = 4, .pad_h = 3, .pad_w = 3}},
        ConvolutionCase{
            2,
            5,
            6,
            4,
            5,
            {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
        ConvolutionCase{
            1, 8, 7, 6, 6, {.kernel_h = 7, .kernel_w = 7, .pad_h = 3, .pad_w = 3, .groups = 6}},
        ConvolutionCase{2, 1, 20, 8, 8, {.kernel_w = 5, .pad_w = 2, .groups = 2}},
        // From few channels to few, in whole vectors of pixels and not.
        ConvolutionCase{
            2,
            9,
            22,
            1,
            4,
            {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
        ConvolutionCase{
            1,
            6,
            15,
            4,
            16,
            {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
        ConvolutionCase{1, 4, 5, 2, 8, {.kernel_h = 2, .kernel_w = 2}},
        ConvolutionCase{1, 3, 40, 1, 1, {.kernel_h = 3, .kernel_w = 1, .pad_h = 1}}));

class ConvolutionSumTest : public ::testing::TestWithParam<Precision> {};

TEST_P(ConvolutionSumTest, EqualsTheTwoInTurn) {
  constexpr int kHeight = 20, kWidth = 19, kIn = 3, kOut = 24;
  const ConvolutionParams p{
      .kernel_h = 7, .kernel_w = 7, .stride_h = 4, .stride_w = 4, .pad_h = 3, .pad_w = 3};
  TinyModel model({{"weight", {kOut, kIn, 7, 7}}, {"bias", {kOut}}}, 1, test_device(2, GetParam()));
  const Convolution convolution(model.weights(), kIn, kOut, p);
  const auto x = random_values(kHeight * kWidth * kIn, 6), more = random_values(5 * 5 * kOut, 7);
  const auto run = [&](bool kept) {  // what is kept is stored, and added to by itself
    return model.run({{{1, kHeight, kWidth, kIn}, x}, {{1, 5, 5, kOut}, more}},
                     [&](Graph& g, auto in) {
                       ggml_tensor* y = convolution(g, in[0]);
                       if (kept) g.output(y);
                       return ggml_add(g.context(), y, in[1]);
                     });
  };
  const std::vector<float> apart = run(true);
  EXPECT_LE(relative_error(run(false), std::vector<double>(apart.begin(), apart.end())), 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Precisions, ConvolutionSumTest,
                         ::testing::Values(Precision::kF32, Precision::kBf16));

TEST(ConvolutionTransposedTest, SpreadsEachPixelOverTwoByTwo) {
  constexpr int kIn = 3, kOut = 2, kHeight = 2, kWidth = 3;
  TinyModel model({{"weight", {kIn, kOut, 2, 2}}, {"bias", {kOut}}});
  const ConvolutionTransposed2x2 convolution(model.weights(), kIn, kOut);
  const auto x = random_values(2 * kHeight * kWidth * kIn, 7);

  const std::vector<float> got = model.run({{{2, kHeight, kWidth, kIn}, x}},
                                           [&](Graph& g, auto t) { return convolution(g, t[0]); });

  std::vector<double> expected;
  for (int n = 0; n < 2; ++n) {
    for (int oy = 0; oy < 2 * kHeight; ++oy) {
      for (int ox = 0; ox < 2 * kWidth; ++ox) {
        for (int o = 0; o < kOut; ++o) {
          double sum = model["bias"][o];
          for (int c = 0; c < kIn; ++c) {
            sum += double{x[((n * kHeight + oy / 2) * kWidth + ox / 2) * kIn + c]} *
                   model["weight"][((c * kOut + o) * 2 + oy % 2) * 2 + ox % 2];
          }
          expected.push_back(sum);
        }
      }
    }
  }
  EXPECT_LE(relative_error(got, expected), kTolerance);
}

}  // namespace
}  // namespace alref::compute::nn
