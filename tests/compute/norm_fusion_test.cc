// SPDX-License-Identifier: Apache-2.0
// A layer norm or a sum that only one product reads is computed while the product gathers its rows,
// a norm that alone reads a large product while that is stored; oracle: the formula in double.
#include <gtest/gtest.h>

#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

constexpr int kIn = 40, kOut = 50;
// f32: sums of up to 1000 terms. bf16: each factor rounded to 2^-9, and once more between two
// products.
constexpr double kF32Tolerance = 1e-5, kBf16Tolerance = 6e-3;

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

// Layer norms of rows as long as `name`'s weight.
template <typename T>
std::vector<double> normed(const std::vector<T>& x, const TinyModel& m,
                           const std::string& name = "norm") {
  const std::vector<float>&weight = m[name + ".weight"], &bias = m[name + ".bias"];
  const size_t n = weight.size();
  std::vector<double> result;
  for (size_t row = 0; row < x.size() / n; ++row) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; ++i) mean += double{x[row * n + i]} / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i)
      variance += std::pow(x[row * n + i] - mean, 2) / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) {
      result.push_back((x[row * n + i] - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i]);
    }
  }
  return result;
}

class NormFusionTest : public ::testing::TestWithParam<std::tuple<int, Precision>> {
 protected:
  int rows() const { return std::get<0>(GetParam()); }
  double tolerance() const {
    return std::get<1>(GetParam()) == Precision::kF32 ? kF32Tolerance : kBf16Tolerance;
  }

  static constexpr int kHidden = 960;
  const std::vector<float> input = random_values(static_cast<size_t>(rows()) * kIn, 9);
  TinyModel model{{{"norm.weight", {kIn}},
                   {"norm.bias", {kIn}},
                   {"one.weight", {kOut, kIn}},
                   {"one.bias", {kOut}},
                   {"up.weight", {kHidden, kIn}},
                   {"up.bias", {kHidden}},
                   {"down.weight", {kIn, kHidden}},
                   {"down.bias", {kIn}}},
                  1,
                  test_device(2, std::get<1>(GetParam()))};
  nn::LayerNorm norm{model.weights() / "norm", kIn};
  nn::Linear one{model.weights() / "one", kIn, kOut}, up{model.weights() / "up", kIn, kHidden},
      down{model.weights() / "down", kHidden, kIn};
};

TEST_P(NormFusionTest, OneProduct) {
  const auto got = model.run({{{rows(), kIn}, input}},
                             [&](Graph& g, auto in) { return one(g, norm(g, in[0])); });
  EXPECT_LE(relative_error(got, model.linear(normed(input, model), "one")), tolerance());
}

TEST_P(NormFusionTest, AResidualBlockWithTwoProducts) {
  std::vector<double> hidden = model.linear(normed(input, model), "up");
  for (double& h : hidden) h = gelu(h);
  std::vector<double> expected = model.linear(hidden, "down");
  for (size_t i = 0; i < expected.size(); ++i) expected[i] += input[i];
  const auto got = model.run({{{rows(), kIn}, input}}, [&](Graph& g, auto in) {
    ggml_tensor* x = ggml_scale(g.context(), in[0], 1);  // memory that the allocator may use again
    ggml_tensor* y = down(g, activate(g, up(g, norm(g, x)), nn::Activation::kGelu));
    return ggml_add(g.context(), y, x);
  });
  EXPECT_LE(relative_error(got, expected), tolerance());
}

TEST_P(NormFusionTest, ANormThatIsReadTwiceIsStored) {
  const std::vector<double> y = normed(input, model);
  std::vector<double> expected = model.linear(model.linear(y, "up"), "down");
  for (size_t i = 0; i < expected.size(); ++i) expected[i] += y[i];
  const auto got = model.run({{{rows(), kIn}, input}}, [&](Graph& g, auto in) {
    ggml_tensor* x = norm(g, in[0]);
    return ggml_add(g.context(), down(g, up(g, x)), x);
  });
  EXPECT_LE(relative_error(got, expected), tolerance());
}

// Positions, say. The sums may be of what the allocator may use again.
TEST_P(NormFusionTest, ASumBeforeOneProductOrTwo) {
  const std::vector<float> more = random_values(input.size(), 11);
  std::vector<double> both;
  for (size_t i = 0; i < input.size(); ++i) both.push_back(double{input[i]} + more[i]);
  const auto sum_of = [](Graph& g, auto in) {
    return ggml_add(g.context(), ggml_scale(g.context(), in[0], 1),
                    ggml_scale(g.context(), in[1], 1));
  };
  const std::vector<std::pair<Shape, std::vector<float>>> inputs = {{{rows(), kIn}, input},
                                                                    {{rows(), kIn}, more}};
  const auto alone = model.run(inputs, [&](Graph& g, auto in) { return one(g, sum_of(g, in)); });
  EXPECT_LE(relative_error(alone, model.linear(both, "one")), tolerance());

  std::vector<double> hidden = model.linear(both, "up");
  for (double& h : hidden) h = gelu(h);
  const auto in_a_row = model.run(inputs, [&](Graph& g, auto in) {
    return down(g, activate(g, up(g, sum_of(g, in)), nn::Activation::kGelu));
  });
  EXPECT_LE(relative_error(in_a_row, model.linear(hidden, "down")), tolerance());

  std::vector<double> twice = model.linear(model.linear(both, "up"), "down");
  for (size_t i = 0; i < twice.size(); ++i) twice[i] += both[i];
  const auto kept = model.run(inputs, [&](Graph& g, auto in) {
    ggml_tensor* sum = sum_of(g, in);
    return ggml_add(g.context(), down(g, up(g, sum)), sum);
  });
  EXPECT_LE(relative_error(kept, twice), tolerance());
}

// The same positions for each of two images.
TEST_P(NormFusionTest, ASumOfTensorsThatAreNotAlikeBeforeAProduct) {
  std::vector<float> images = input;
  images.insert(images.end(), input.rbegin(), input.rend());
  const std::vector<float> positions = random_values(input.size(), 11);
  std::vector<double> sums;
  for (size_t i = 0; i < images.size(); ++i)
    sums.push_back(double{images[i]} + positions[i % positions.size()]);
  const auto got =
      model.run({{{2, rows(), kIn}, images}, {{1, rows(), kIn}, positions}},
                [&](Graph& g, auto in) { return one(g, ggml_add(g.context(), in[0], in[1])); });
  EXPECT_LE(relative_error(got, model.linear(sums, "one")), tolerance());
}

INSTANTIATE_TEST_SUITE_P(Rows, NormFusionTest,
                         ::testing::Combine(::testing::Values(1, 33, 1100),
                                            ::testing::Values(Precision::kF32, Precision::kBf16)));

// Products whose results do not fit the caches.
class NormAfterProductTest : public ::testing::TestWithParam<Precision> {
 protected:
  static constexpr int kRows = 4400, kWide = 256;

  double tolerance() const {
    return GetParam() == Precision::kF32 ? kF32Tolerance : kBf16Tolerance;
  }
  static std::vector<double> plus(std::vector<double> x, const std::vector<float>& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    return x;
  }

  const std::vector<float> input = random_values(size_t{kRows} * kIn, 9),
                           residual = random_values(size_t{kRows} * kWide, 10);
  TinyModel model{{{"first.weight", {kWide}},
                   {"first.bias", {kWide}},
                   {"second.weight", {kWide}},
                   {"second.bias", {kWide}},
                   {"up.weight", {kWide, kIn}},
                   {"up.bias", {kWide}},
                   {"across.weight", {kWide, kWide}},
                   {"across.bias", {kWide}}},
                  1,
                  test_device(2, GetParam())};
  nn::LayerNorm first{model.weights() / "first", kWide}, second{model.weights() / "second", kWide};
  nn::Linear up{model.weights() / "up", kIn, kWide},
      across{model.weights() / "across", kWide, kWide};
};

TEST_P(NormAfterProductTest, OfAResidualSum) {
  const auto expected =
      normed(plus(model.linear(std::vector<double>(input.begin(), input.end()), "up"), residual),
             model, "first");
  const auto got =
      model.run({{{kRows, kIn}, input}, {{kRows, kWide}, residual}}, [&](Graph& g, auto in) {
        ggml_tensor* x = ggml_scale(g.context(), in[1], 1);  // memory that may be used again
        return first(g, ggml_add(g.context(), up(g, in[0]), x));
      });
  EXPECT_LE(relative_error(got, expected), tolerance());
}

TEST_P(NormAfterProductTest, OneNormOfAnotherOfTwoProducts) {
  std::vector<double> hidden = model.linear(std::vector<double>(input.begin(), input.end()), "up");
  for (double& h : hidden) h = std::max(h, 0.0);
  const auto expected = normed(
      normed(plus(model.linear(hidden, "across"), residual), model, "first"), model, "second");
  const auto got =
      model.run({{{kRows, kIn}, input}, {{kRows, kWide}, residual}}, [&](Graph& g, auto in) {
        ggml_tensor* x = ggml_scale(g.context(), in[1], 1);
        ggml_tensor* y = across(g, activate(g, up(g, in[0]), nn::Activation::kRelu));
        return second(g, first(g, ggml_add(g.context(), y, x)));
      });
  EXPECT_LE(relative_error(got, expected), tolerance());
}

TEST_P(NormAfterProductTest, ASumThatIsReadTwiceIsStored) {
  const std::vector<double> sum =
      plus(model.linear(std::vector<double>(input.begin(), input.end()), "up"), residual);
  std::vector<double> expected = normed(sum, model, "first");
  for (size_t i = 0; i < expected.size(); ++i) expected[i] += sum[i];
  const auto got =
      model.run({{{kRows, kIn}, input}, {{kRows, kWide}, residual}}, [&](Graph& g, auto in) {
        ggml_tensor* x = ggml_add(g.context(), up(g, in[0]), in[1]);
        return ggml_add(g.context(), first(g, x), x);
      });
  EXPECT_LE(relative_error(got, expected), tolerance());
}

INSTANTIATE_TEST_SUITE_P(Precisions, NormAfterProductTest,
                         ::testing::Values(Precision::kF32, Precision::kBf16));

}  // namespace
}  // namespace alref::compute
