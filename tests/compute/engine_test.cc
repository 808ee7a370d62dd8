// SPDX-License-Identifier: Apache-2.0
// What the CPU backend does beyond one operator at a time: fusing, packing, precision, threads, several devices at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "compute/nn/attention.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

// f32 sums of n products in another order differ by about sqrt(n) * 2^-24 of their size: 2e-6 for n = 1000.
constexpr double kF32Tolerance = 1e-5;
// Each factor rounded to bf16 errs by up to 2^-9, 2^-10 on average; errors of independent sign keep that relative size
// in the sum. Two factors: 2e-3 observed; a wrong k or a missing column gives more than 1e-1.
constexpr double kBf16Tolerance = 6e-3;

DeviceTensor make_weight(Device& device, ggml_type type, const Shape& shape, const std::vector<float>& values) {
  DeviceTensor weight(device, type, shape);
  std::vector<std::byte> bytes(weight.bytes());
  if (type == GGML_TYPE_F32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else {
    ggml_quantize_chunk(type, values.data(), bytes.data(), 0, shape[0], shape[1], nullptr);
  }
  ggml_backend_tensor_set(weight.tensor(), bytes.data(), 0, bytes.size());
  ggml_backend_buffer_set_usage(weight.tensor()->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  return weight;
}

double erf_gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

struct ProductCase {
  int rows, out, in;
};

class ProductTest : public ::testing::TestWithParam<std::tuple<ProductCase, Precision, ggml_type>> {};

TEST_P(ProductTest, WithBiasActivationAndResidualMatchesTheFormulaInDouble) {
  const auto& [size, precision, type] = GetParam();
  const auto [rows, out, in] = size;
  if (in % ggml_blck_size(type) != 0) return;  // quantised rows are whole blocks
  Device device(test_device(3, precision));
  const auto w = random_values(out * in, 1), x = random_values(rows * in, 2), b = random_values(out, 3),
             r = random_values(rows * out, 4);
  const DeviceTensor weight = make_weight(device, type, {out, in}, w);
  const DeviceTensor bias = make_weight(device, GGML_TYPE_F32, {1, out}, b);

  Graph g(device);
  ggml_tensor *tx = g.input(GGML_TYPE_F32, {rows, in}), *tr = g.input(GGML_TYPE_F32, {rows, out});
  const nn::Linear linear(weight.tensor(), ggml_reshape_1d(g.context(), bias.tensor(), out));
  ggml_tensor* plain = g.output(linear(g, tx));
  ggml_tensor* gelu = g.output(ggml_add(g.context(), tr, ggml_gelu_erf(g.context(), linear(g, tx))));
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
  // q8_0 rounds to 1/127 of a block's largest value, about 2.5 deviations: 2.5 / 127 / sqrt(12) = 6e-3 of a weight.
  const double tolerance = type == GGML_TYPE_Q8_0                       ? 1.2e-2
                           : precision == Precision::kBf16 || type == GGML_TYPE_BF16 ? kBf16Tolerance
                           : type == GGML_TYPE_F16                      ? 1e-3
                                                                        : kF32Tolerance;
  EXPECT_LE(relative_error(g.read(plain), expected), tolerance);
  EXPECT_LE(relative_error(g.read(gelu), expected_gelu), tolerance);
  EXPECT_LE(relative_error(g.read(relu), expected_relu), tolerance);
  EXPECT_LE(relative_error(g.read(sum), expected_sum), tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ProductTest,
    ::testing::Combine(::testing::Values(ProductCase{1, 1, 1}, ProductCase{3, 5, 7}, ProductCase{2, 16, 64},
                                         ProductCase{7, 33, 96}, ProductCase{25, 80, 31}, ProductCase{130, 112, 160},
                                         ProductCase{61, 200, 544}, ProductCase{1000, 96, 64}),
                       ::testing::Values(Precision::kF32, Precision::kBf16),
                       ::testing::Values(GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0)));

// A result large enough to bypass the caches (4 MiB) is stored by other instructions.
TEST(EngineTest, LargeResultsAreComplete) {
  constexpr int kRows = 4100, kOut = 272, kIn = 16;
  Device device(test_device(2, Precision::kF32));
  const auto w = random_values(kOut * kIn, 1), x = random_values(kRows * kIn, 2);
  const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {kOut, kIn}, w);
  Graph g(device);
  ggml_tensor* tx = g.input(GGML_TYPE_F32, {kRows, kIn});
  ggml_tensor* y = g.output(ggml_mul_mat(g.context(), weight.tensor(), tx));
  g.write(tx, x);
  g.run();
  std::vector<double> expected;
  for (int i = 0; i < kRows; ++i) {
    for (int o = 0; o < kOut; ++o) {
      double sum = 0;
      for (int k = 0; k < kIn; ++k) sum += double{x[i * kIn + k]} * w[o * kIn + k];
      expected.push_back(sum);
    }
  }
  EXPECT_LE(relative_error(g.read(y), expected), kF32Tolerance);
}

// Two products with an activation between them, large enough (4 MiB between them) to be computed block by block without storing
// what is between; not where others want that too.
TEST(EngineTest, TwoProductsInARowMatchTheFormulaInDouble) {
  constexpr int kRows = 1100, kIn = 40, kHidden = 960, kOut = 50;
  const auto x = random_values(kRows * kIn, 1), w1 = random_values(kHidden * kIn, 2), b1 = random_values(kHidden, 3),
             w2 = random_values(kOut * kHidden, 4), b2 = random_values(kOut, 5), r = random_values(kRows * kOut, 6);
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
        ggml_tensor *tx = g.input(GGML_TYPE_F32, {kRows, kIn}), *tr = g.input(GGML_TYPE_F32, {kRows, kOut});
        const nn::Linear first(tw1.tensor(), ggml_reshape_1d(c, tb1.tensor(), kHidden)),
            second(tw2.tensor(), ggml_reshape_1d(c, tb2.tensor(), kOut));
        ggml_tensor* hidden = gelu ? ggml_gelu_erf(c, first(g, tx)) : ggml_relu(c, first(g, tx));
        if (marked) g.output(hidden);
        ggml_tensor* y = g.output(ggml_add(c, second(g, ggml_reshape_3d(c, hidden, kHidden, kRows / 10, 10)),
                                           ggml_reshape_3d(c, tr, kOut, kRows / 10, 10)));
        g.write(tx, x);
        g.write(tr, r);
        g.run();
        const double tolerance = precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance;
        EXPECT_LE(relative_error(g.read(y), expected), tolerance);
        if (marked) {
          EXPECT_LE(relative_error(g.read(hidden), between), tolerance);
        }
        for (const DeviceTensor* t : {&tw1, &tb1, &tw2, &tb2}) device.forget_weights(t->tensor()->data, t->bytes());
      }
    }
  }
}

// What is read by others than the next node must be stored although the chain goes on.
TEST(EngineTest, IntermediateResultsThatAreUsedTwiceAreKept) {
  Device device(test_device(2, Precision::kF32));
  const auto w = random_values(8 * 8, 1), b = random_values(8, 2), x = random_values(5 * 8, 3);
  const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {8, 8}, w), bias = make_weight(device, GGML_TYPE_F32, {1, 8}, b);
  const auto run = [&](bool marked) {
    Graph g(device);
    ggml_context* c = g.context();
    ggml_tensor* tx = g.input(GGML_TYPE_F32, {5, 8});
    ggml_tensor* product = ggml_mul_mat(c, weight.tensor(), tx);
    if (marked) g.output(product);
    ggml_tensor* shifted = ggml_add(c, product, ggml_reshape_1d(c, bias.tensor(), 8));
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

// A transformer block's worth of operators, in one graph whose memory the allocator reuses all it can.
class Block {
 public:
  explicit Block(Device& device, int tokens = 70) : device_(device), tokens_(tokens) {
    for (int i = 0; i < 4; ++i) {
      weights_.push_back(make_weight(device, GGML_TYPE_F32, {kDim, kDim}, scaled(random_values(kDim * kDim, 10 + i))));
      biases_.push_back(make_weight(device, GGML_TYPE_F32, {1, kDim}, random_values(kDim, 20 + i)));
    }
  }
  ~Block() {
    for (const auto& list : {&weights_, &biases_}) {
      for (const DeviceTensor& t : *list) device_.forget_weights(t.tensor()->data, t.bytes());
    }
  }

  std::vector<float> run(const std::vector<float>& x, int layers = 3) {
    Graph g(device_);
    ggml_tensor* in = g.input(GGML_TYPE_F32, {1, tokens_, kDim});
    ggml_tensor* y = g.output(build(g, in, layers));
    g.write(in, x);
    g.run();
    return g.read(y);
  }

  ggml_tensor* build(Graph& g, ggml_tensor* x, int layers) {
    ggml_context* c = g.context();
    const auto linear = [&](int i, ggml_tensor* t) {
      return nn::Linear(weights_[i].tensor(), ggml_reshape_1d(c, biases_[i].tensor(), kDim))(g, t);
    };
    for (int layer = 0; layer < layers; ++layer) {
      ggml_tensor* t = ggml_norm(c, x, 1e-5f);
      t = nn::attention(g, linear(0, t), linear(1, t), linear(2, t), 4, 0.25f);
      x = ggml_add(c, x, linear(3, t));
      x = ggml_add(c, x, linear(1, ggml_gelu_erf(c, linear(0, ggml_norm(c, x, 1e-5f)))));
    }
    return x;
  }

  static constexpr int kDim = 64;

 private:
  static std::vector<float> scaled(std::vector<float> values) {
    for (float& value : values) value /= 8;
    return values;
  }
  Device& device_;
  int tokens_;
  std::vector<DeviceTensor> weights_, biases_;
};

TEST(EngineTest, ABlockOfLayersAgreesWithGgmlsOwnBackend) {
  const auto x = random_values(70 * Block::kDim, 5);
  Device ours(test_device(2, Precision::kF32));
  Device theirs({.name = "ggml-cpu", .threads = 2, .precision = Precision::kF32});
  EXPECT_LE(relative_error(Block(ours).run(x), Block(theirs).run(x)), kF32Tolerance);
}

TEST(EngineTest, NumbersOfThreadsDoNotMatter) {
  const auto x = random_values(70 * Block::kDim, 5);
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 8}) {
    Device device(test_device(threads, Precision::kF32));
    const std::vector<float> got = Block(device).run(x);
    if (first.empty()) first = got;
    EXPECT_LE(relative_error(got, first), kF32Tolerance) << threads << " threads";
  }
}

TEST(EngineTest, RepeatedRunsPrepareNothing) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Device device(test_device(2, precision));
    Block block(device);
    Graph g(device);
    ggml_tensor* x = g.input(GGML_TYPE_F32, {1, 70, Block::kDim});
    ggml_tensor* y = g.output(block.build(g, x, 2));
    const auto values = random_values(70 * Block::kDim, 5);
    g.write(x, values);
    g.run();
    const std::vector<float> first = g.read(y);
    const int64_t made = device.preparations();
    for (int i = 0; i < 3; ++i) {
      g.write(x, values);
      g.run();
      EXPECT_EQ(g.read(y), first);
    }
    EXPECT_EQ(device.preparations(), made);
  }
}

TEST(EngineTest, DevicesThatRunAtTheSameTimeComputeWhatTheyDoAlone) {
  constexpr int kDevices = 3;
  const auto compute = [](int i) {
    Device device(test_device(2, i % 2 ? Precision::kBf16 : Precision::kF32));
    Block block(device, 70 + i);
    const auto x = random_values((70 + i) * Block::kDim, 5 + i);
    std::vector<float> last;
    for (int repeat = 0; repeat < 5; ++repeat) last = block.run(x);
    return last;
  };
  std::vector<std::vector<float>> alone, together(kDevices);
  for (int i = 0; i < kDevices; ++i) alone.push_back(compute(i));
  std::vector<std::thread> threads;
  for (int i = 0; i < kDevices; ++i) threads.emplace_back([&, i] { together[i] = compute(i); });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kDevices; ++i) EXPECT_EQ(together[i], alone[i]);
}

TEST(EngineTest, PackedWeightsDieWithTheWeights) {
  Device device(test_device(1, Precision::kF32));
  const std::vector<float> x = {1};
  // The allocator likes to hand out the same memory again.
  for (float value : {2.0f, 3.0f, 4.0f}) {
    DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {1, 1}, {value});
    Graph g(device);
    ggml_tensor* in = g.input(GGML_TYPE_F32, {1, 1});
    ggml_tensor* y = g.output(ggml_mul_mat(g.context(), weight.tensor(), in));
    g.write(in, x);
    g.run();
    EXPECT_EQ(g.read(y), std::vector<float>{value});
    device.forget_weights(weight.tensor()->data, weight.bytes());
  }
}

struct LongAttention {
  static constexpr int kBatch = 2, kHeads = 2, kQueries = 130, kKeys = 900, kDim = 40, kValueDim = 24;

  /// softmax(q k^T * scale + bias + mask) v in double; rows whose scores are all -inf give zeros.
  std::vector<double> expected() const {
    std::vector<double> result;
    for (int b = 0; b < kBatch; ++b) {
      for (int i = 0; i < kQueries; ++i) {
        for (int h = 0; h < kHeads; ++h) {
          std::vector<double> weights(kKeys);
          double sum = 0;
          for (int j = 0; j < kKeys; ++j) {
            double score = 0;
            for (int c = 0; c < kDim; ++c) {
              score += double{q[((b * kQueries + i) * kHeads + h) * kDim + c]} * k[((b * kKeys + j) * kHeads + h) * kDim + c];
            }
            weights[j] = std::exp(score * kScale + bias[(h * kQueries + i) * kKeys + j] + mask[(b * kQueries + i) * kKeys + j]);
            sum += weights[j];
          }
          for (int c = 0; c < kValueDim; ++c) {
            double value = 0;
            for (int j = 0; j < kKeys; ++j) value += weights[j] * v[((b * kKeys + j) * kHeads + h) * kValueDim + c];
            result.push_back(sum == 0 ? 0 : value / sum);
          }
        }
      }
    }
    return result;
  }

  std::vector<float> run(Device& device) const {
    Graph g(device);
    ggml_tensor *tq = g.input(GGML_TYPE_F32, {kBatch, kQueries, kHeads * kDim}),
                *tk = g.input(GGML_TYPE_F32, {kBatch, kKeys, kHeads * kDim}),
                *tv = g.input(GGML_TYPE_F32, {kBatch, kKeys, kHeads * kValueDim}),
                *tb = g.input(GGML_TYPE_F32, {kHeads, kQueries, kKeys}), *tm = g.input(GGML_TYPE_F32, {kBatch, kQueries, kKeys});
    ggml_tensor* y = g.output(nn::attention(g, tq, tk, tv, kHeads, kScale, tb, tm));
    g.write(tq, q);
    g.write(tk, k);
    g.write(tv, v);
    g.write(tb, bias);
    g.write(tm, mask);
    g.run();
    return g.read(y);
  }

  static constexpr float kScale = 0.158f;
  std::vector<float> q = random_values(kBatch * kQueries * kHeads * kDim, 1),
                     k = random_values(kBatch * kKeys * kHeads * kDim, 2),
                     v = random_values(kBatch * kKeys * kHeads * kValueDim, 3),
                     bias = random_values(kHeads * kQueries * kKeys, 4),
                     mask = std::vector<float>(kBatch * kQueries * kKeys, 0.0f);
};

// Keys come in several blocks: a query may see none of the first ones, or none at all.
TEST(EngineTest, AttentionOverManyKeysWithMasksMatchesTheFormulaInDouble) {
  LongAttention a;
  for (int i = 0; i < LongAttention::kQueries; ++i) {
    const int hidden = i % 3 == 0 ? 600 : i == 7 ? LongAttention::kKeys : i % 5;
    std::fill_n(a.mask.begin() + i * LongAttention::kKeys, hidden, -INFINITY);
  }
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Device device(test_device(2, precision));
    // Scores of size 1 err by 2e-3 in bf16, and so do their weights.
    EXPECT_LE(relative_error(a.run(device), a.expected()), precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance);
  }
}

TEST(EngineTest, ANanSpoilsItsOwnQueryOnly) {
  LongAttention a;
  const std::vector<double> clean = a.expected();
  a.q[(5 * LongAttention::kHeads + 1) * LongAttention::kDim + 3] = NAN;  // batch entry 0, query 5, head 1
  Device device(test_device());
  const std::vector<float> got = a.run(device);
  for (size_t i = 0; i < got.size(); ++i) {
    const size_t row = i / LongAttention::kValueDim;
    if (row == 5 * LongAttention::kHeads + 1) {
      EXPECT_TRUE(std::isnan(got[i])) << i;
    } else {
      ASSERT_NEAR(got[i], clean[i], 1e-5) << i;
    }
  }
}

TEST(EngineTest, NanAndInfinityPassThroughProductsAsThroughSums) {
  Device device(test_device());
  const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {2, 3}, {1, 2, 3, -1, 1, 1});
  Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {5, 3});
  ggml_tensor* product = g.output(ggml_mul_mat(g.context(), weight.tensor(), x));
  ggml_tensor* gelu = g.output(ggml_gelu_erf(g.context(), ggml_mul_mat(g.context(), weight.tensor(), x)));
  g.write(x, std::vector<float>{1, 1, 1, NAN, 0, 0, INFINITY, 0, 0, 0, INFINITY, -INFINITY, 0, 0, -1e30f});
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

// Parts of a joint projection: rows that do not follow each other.
TEST(EngineTest, StridedArgumentsAreReadInPlace) {
  constexpr int kTokens = 70, kDim = Block::kDim;
  Device device(test_device());
  const auto joint = random_values(kTokens * 3 * kDim, 1), w = random_values(kDim * kDim, 2);
  const DeviceTensor weight = make_weight(device, GGML_TYPE_F32, {kDim, kDim}, w);
  const auto run = [&](bool copied) {
    Graph g(device);
    ggml_context* c = g.context();
    ggml_tensor* x = g.input(GGML_TYPE_F32, {1, kTokens, 3 * kDim});
    ggml_tensor* part[3];
    for (size_t i = 0; i < 3; ++i) {
      part[i] = ggml_view_3d(c, x, kDim, kTokens, 1, x->nb[1], x->nb[2], i * kDim * sizeof(float));
      if (copied) part[i] = ggml_cont(c, part[i]);
    }
    ggml_tensor* sum = ggml_add(c, nn::attention(g, part[0], part[1], part[2], 4, 0.25f), ggml_mul_mat(c, weight.tensor(), part[1]));
    ggml_tensor* scores = ggml_mul_mat(c, part[2], part[0]);  // both operands are activations
    ggml_tensor* y = g.output(ggml_add(c, sum, ggml_mul_mat(c, ggml_cont(c, ggml_transpose(c, part[1])), scores)));
    g.write(x, joint);
    g.run();
    return g.read(y);
  };
  EXPECT_LE(relative_error(run(false), run(true)), kF32Tolerance);
}

}  // namespace
}  // namespace alref::compute
