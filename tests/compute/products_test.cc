// SPDX-License-Identifier: Apache-2.0
// Products and what the CPU backend fuses with them: biases, activations, residuals, a second
// product.
#include <gtest/gtest.h>

#include "compute/engine_testing.h"
#include "compute/nn/linear.h"

namespace alref::compute {
namespace {

double erf_gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

struct ProductCase {
  int rows, out, in;
};

class ProductTest : public ::testing::TestWithParam<std::tuple<ProductCase, Precision, ggml_type>> {
};

TEST_P(ProductTest, WithBiasActivationAndResidualMatchesTheFormulaInDouble) {
  const auto& [size, precision, type] = GetParam();
  const auto [rows, out, in] = size;
  if (in % ggml_blck_size(type) != 0) return;  // quantised rows are whole blocks
  Device device(test_device(3, precision));
  const auto w = random_values(out * in, 1), x = random_values(rows * in, 2),
             b = random_values(out, 3), r = random_values(rows * out, 4);
  const DeviceTensor weight = make_weight(device, type, {out, in}, w);
  const DeviceTensor bias = make_weight(device, GGML_TYPE_F32, {1, out}, b);

  Graph g(device);
  ggml_tensor *tx = g.input(GGML_TYPE_F32, {rows, in}), *tr = g.input(GGML_TYPE_F32, {rows, out});
  const nn::Linear linear(weight.tensor(), bias.tensor());
  ggml_tensor* plain = g.output(linear(g, tx));
  ggml_tensor* gelu =
      g.output(ggml_add(g.context(), tr, ggml_gelu_erf(g.context(), linear(g, tx))));
  ggml_tensor* relu = g.output(ggml_relu(g.context(), linear(g, tx)));
  ggml_tensor* sum = g.output(ggml_add(g.context(), linear(g, tx), tr));
  g.write(tx, x);
  g.write(tr, r);
  g.run();

  std::vector<double> expected, expected_gelu, expected_relu, expected_sum;
  for (int i = 0; i < rows; ++i) {
    for (int o = 0; o < out; ++o) {
      double y = b[o];
      for (int k = 0; k < in; ++k) y += double{x[i * in + k]} * w[o * in + k];
      expected.push_back(y);
      expected_gelu.push_back(r[i * out + o] + erf_gelu(y));
      expected_relu.push_back(std::max(0.0, y));
      expected_sum.push_back(r[i * out + o] + y);
    }
  }
  // q8_0 rounds to 1/127 of a block's largest value, about 2.5 deviations: 2.5 / 127 / sqrt(12) =
  // 6e-3 of a weight.
  const double tolerance = type == GGML_TYPE_Q8_0 ? 1.2e-2
                           : precision == Precision::kBf16 || type == GGML_TYPE_BF16
                               ? kBf16Tolerance
                           : type == GGML_TYPE_F16 ? 1e-3
                                                   : kF32Tolerance;
  EXPECT_LE(relative_error(g.read(plain), expected), tolerance);
  EXPECT_LE(relative_error(g.read(gelu), expected_gelu), tolerance);
  EXPECT_LE(relative_error(g.read(relu), expected_relu), tolerance);
  EXPECT_LE(relative_error(g.read(sum), expected_sum), tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ProductTest,
    ::testing::Combine(::testing::Values(ProductCase{1, 1, 1}, ProductCase{3, 5, 7},
                                         ProductCase{2, 16, 64}, ProductCase{7, 33, 96},
                                         ProductCase{25, 80, 31}, ProductCase{130, 112, 160},
                                         ProductCase{61, 200, 544}, ProductCase{1000, 96, 64}),
                       ::testing::Values(Precision::kF32, Precision::kBf16),
                       ::testing::Values(GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16,
                                         GGML_TYPE_Q8_0)));

// Nothing is rounded then: the sums are as good as those of f32.
TEST(ProductsTest, OperandsOfBf16AreTakenAsTheyAre) {
  if (!Device(test_device()).is_host())
    GTEST_SKIP() << "ggml's Vulkan says that it takes them, and ends the program";
  for (const auto [rows, out, in] : {ProductCase{1, 3, 7}, ProductCase{25, 80, 33},
                                     ProductCase{130, 112, 160}, ProductCase{4100, 272, 96}}) {
    const auto w = rounded_to_bf16(random_values(out * in, 1)),
               x = rounded_to_bf16(random_values(rows * in, 2));
    std::vector<double> expected;
    for (int i = 0; i < rows; ++i) {
      for (int o = 0; o < out; ++o) {
        double sum = 0;
        for (int k = 0; k < in; ++k) sum += double{x[i * in + k]} * w[o * in + k];
        expected.push_back(sum);
      }
    }
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      Device device(test_device(2, precision));
      const DeviceTensor weight = make_weight(device, GGML_TYPE_BF16, {out, in}, w),
                         operand = make_bf16(device, {rows, in}, x);
      Graph g(device);
      ggml_tensor* y = g.output(ggml_mul_mat(g.context(), weight.tensor(), operand.tensor()));
      g.run();
      EXPECT_LE(relative_error(g.read(y), expected), kF32Tolerance)
          << rows << " x " << out << " x " << in;
    }
  }
}

// Results too large for the caches are stored by other instructions: from 16 MiB on whatever the
// caches are, where the sums are short and nothing follows them from 32 MiB on (may_stream in
// onednn/product.h).
TEST(ProductsTest, LargeResultsAreComplete) {
  constexpr int kOut = 272, kIn = 16;
  for (const auto& [rows, biased] : {std::pair(15500, true), std::pair(31000, false)}) {
    const auto w = random_values(kOut * kIn, 1), x = random_values(rows * kIn, 2),
               b = random_values(kOut, 3);
    std::vector<double> expected;
    for (int i = 0; i < rows; ++i) {
      for (int o = 0; o < kOut; ++o) {
        double sum = biased ? b[o] : 0;
        for (int k = 0; k < kIn; ++k) sum += double{x[i * kIn + k]} * w[o * kIn + k];
        expected.push_back(sum);
      }
    }
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      Device device(test_device(2, precision));
      const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {kOut, kIn}, w),
                         bias = make_weight(device, GGML_TYPE_F32, {1, kOut}, b);
      Graph g(device);
      ggml_context* c = g.context();
      ggml_tensor* tx = g.input(GGML_TYPE_F32, {rows, kIn});
      ggml_tensor* product = ggml_mul_mat(c, weight.tensor(), tx);
      ggml_tensor* y = g.output(biased ? ggml_add(c, product, bias.tensor()) : product);
      g.write(tx, x);
      g.run();
      EXPECT_LE(relative_error(g.read(y), expected),
                precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance)
          << rows << " rows";
    }
  }
}

// Two products with an activation between them, large enough (4 MiB between them) to be computed
// block by block without storing what is between; not where others want that too.
TEST(ProductsTest, TwoProductsInARowMatchTheFormulaInDouble) {
  constexpr int kRows = 1100, kIn = 40, kHidden = 960, kOut = 50;
  const auto x = random_values(kRows * kIn, 1), w1 = random_values(kHidden * kIn, 2),
             b1 = random_values(kHidden, 3), w2 = random_values(kOut * kHidden, 4),
             b2 = random_values(kOut, 5), r = random_values(kRows * kOut, 6);
  for (const bool gelu : {true, false}) {
    std::vector<double> between, expected;
    for (int i = 0; i < kRows; ++i) {
      for (int h = 0; h < kHidden; ++h) {
        double sum = b1[h];
        for (int k = 0; k < kIn; ++k) sum += double{x[i * kIn + k]} * w1[h * kIn + k];
        between.push_back(gelu ? erf_gelu(sum) : std::max(0.0, sum));
      }
      for (int o = 0; o < kOut; ++o) {
        double sum = b2[o] + r[i * kOut + o];
        for (int h = 0; h < kHidden; ++h) sum += between[i * kHidden + h] * w2[o * kHidden + h];
        expected.push_back(sum);
      }
    }
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      for (const bool marked : {false, true}) {
        Device device(test_device(2, precision));
        const DeviceTensor tw1 = make_weight(device, GGML_TYPE_F32, {kHidden, kIn}, w1),
                           tb1 = make_weight(device, GGML_TYPE_F32, {1, kHidden}, b1),
                           tw2 = make_weight(device, GGML_TYPE_F32, {kOut, kHidden}, w2),
                           tb2 = make_weight(device, GGML_TYPE_F32, {1, kOut}, b2);
        Graph g(device);
        ggml_context* c = g.context();
        ggml_tensor *tx = g.input(GGML_TYPE_F32, {kRows, kIn}),
                    *tr = g.input(GGML_TYPE_F32, {kRows, kOut});
        const nn::Linear first(tw1.tensor(), tb1.tensor()), second(tw2.tensor(), tb2.tensor());
        ggml_tensor* hidden = gelu ? ggml_gelu_erf(c, first(g, tx)) : ggml_relu(c, first(g, tx));
        if (marked) g.output(hidden);
        ggml_tensor* y =
            g.output(ggml_add(c, second(g, ggml_reshape_3d(c, hidden, kHidden, kRows / 10, 10)),
                              ggml_reshape_3d(c, tr, kOut, kRows / 10, 10)));
        g.write(tx, x);
        g.write(tr, r);
        g.run();
        const double tolerance = precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance;
        EXPECT_LE(relative_error(g.read(y), expected), tolerance);
        if (marked) {
          EXPECT_LE(relative_error(g.read(hidden), between), tolerance);
        }
        for (const DeviceTensor* t : {&tw1, &tb1, &tw2, &tb2})
          device.forget_weights(t->tensor()->data, t->bytes());
      }
    }
  }
}

// What is read by others than the next node must be stored although the chain goes on.
TEST(ProductsTest, IntermediateResultsThatAreUsedTwiceAreKept) {
  Device device(test_device(2, Precision::kF32));
  const auto w = random_values(8 * 8, 1), b = random_values(8, 2), x = random_values(5 * 8, 3);
  const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {8, 8}, w),
                     bias = make_weight(device, GGML_TYPE_F32, {1, 8}, b);
  const auto run = [&](bool marked) {
    Graph g(device);
    ggml_context* c = g.context();
    ggml_tensor* tx = g.input(GGML_TYPE_F32, {5, 8});
    ggml_tensor* product = ggml_mul_mat(c, weight.tensor(), tx);
    if (marked) g.output(product);
    ggml_tensor* shifted = ggml_add(c, product, bias.tensor());
    if (marked) g.output(shifted);
    ggml_tensor* y = g.output(ggml_add(c, ggml_relu(c, shifted), ggml_mul(c, shifted, product)));
    g.write(tx, x);
    g.run();
    std::vector<float> all = g.read(y);
    if (marked) {
      for (ggml_tensor* t : {product, shifted}) {
        const auto more = g.read(t);
        all.insert(all.end(), more.begin(), more.end());
      }
    }
    return all;
  };
  std::vector<double> expected, products, sums;
  for (int i = 0; i < 5; ++i) {
    for (int o = 0; o < 8; ++o) {
      double product = 0;
      for (int k = 0; k < 8; ++k) product += double{x[i * 8 + k]} * w[o * 8 + k];
      const double sum = product + b[o];
      products.push_back(product);
      sums.push_back(sum);
      expected.push_back(std::max(0.0, sum) + sum * product);
    }
  }
  EXPECT_LE(relative_error(run(false), expected), kF32Tolerance);
  expected.insert(expected.end(), products.begin(), products.end());
  expected.insert(expected.end(), sums.begin(), sums.end());
  EXPECT_LE(relative_error(run(true), expected), kF32Tolerance);
}

TEST(ProductsTest, NanAndInfinityPassThroughProductsAsThroughSums) {
  Device device(test_device());
  const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {2, 3}, {1, 2, 3, -1, 1, 1});
  Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {5, 3});
  ggml_tensor* product = g.output(ggml_mul_mat(g.context(), weight.tensor(), x));
  ggml_tensor* gelu =
      g.output(ggml_gelu_erf(g.context(), ggml_mul_mat(g.context(), weight.tensor(), x)));
  g.write(x, std::vector<float>{1, 1, 1, NAN, 0, 0, INFINITY, 0, 0, 0, INFINITY, -INFINITY, 0, 0,
                                -1e30f});
  g.run();
  const std::vector<float> y = g.read(product), z = g.read(gelu);
  EXPECT_EQ(y[0], 6);
  EXPECT_EQ(y[1], 1);
  for (const int i : {2, 3, 6, 7}) EXPECT_TRUE(std::isnan(y[i]) && std::isnan(z[i])) << i;
  EXPECT_EQ(y[4], INFINITY);
  EXPECT_EQ(y[5], -INFINITY);
  EXPECT_EQ(z[4], INFINITY);
  EXPECT_EQ(z[8], 0);
  EXPECT_EQ(z[9], 0);
}

}  // namespace
}  // namespace alref::compute
