// SPDX-License-Identifier: Apache-2.0
// What the CPU backend does beyond one operator at a time: packing, precision, threads, several
// devices at once.
#include <thread>

#include <gtest/gtest.h>

#include "compute/engine_testing.h"
#include "compute/nn/attention.h"
#include "compute/nn/linear.h"

namespace alref::compute {
namespace {

// A transformer block's worth of operators, in one graph whose memory the allocator reuses all it
// can.
class Block {
 public:
  explicit Block(Device& device, int tokens = 70) : device_(device), tokens_(tokens) {
    for (int i = 0; i < 4; ++i) {
      weights_.push_back(make_weight(device, GGML_TYPE_F32, {kDim, kDim},
                                     scaled(random_values(kDim * kDim, 10 + i))));
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
      return nn::Linear(weights_[i].tensor(), biases_[i].tensor())(g, t);
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

// 600 tokens are more keys than attention takes at once.
TEST(EngineTest, NumbersOfThreadsDoNotMatter) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    for (const int tokens : {70, 600}) {
      const auto x = random_values(tokens * Block::kDim, 5);
      std::vector<float> first;
      for (const int threads : {1, 2, 3, 8}) {
        Device device(test_device(threads, precision));
        const std::vector<float> got = Block(device, tokens).run(x, /*layers=*/1);
        if (first.empty()) first = got;
        EXPECT_LE(relative_error(got, first),
                  precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance)
            << threads << " threads, " << tokens << " tokens"
            << (precision == Precision::kF32 ? "" : ", bf16");
      }
    }
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
  constexpr int kDevices = 4;
  const auto compute = [](int i) {
    const int tokens = (i < 2 ? 70 : 430) + i;
    Device device(test_device(2, i % 2 ? Precision::kBf16 : Precision::kF32));
    Block block(device, tokens);
    const auto x = random_values(tokens * Block::kDim, 5 + i);
    std::vector<float> last;
    for (int repeat = 0; repeat < 5; ++repeat) last = block.run(x, i < 2 ? 3 : 1);
    return last;
  };
  std::vector<std::vector<float>> alone(kDevices), together(kDevices);
  for (int i = 0; i < kDevices; ++i) alone[i] = compute(i);
  std::vector<std::thread> threads;
  threads.reserve(kDevices);
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
    ggml_tensor* sum = ggml_add(c, nn::attention(g, part[0], part[1], part[2], 4, 0.25f),
                                ggml_mul_mat(c, weight.tensor(), part[1]));
    ggml_tensor* scores = ggml_mul_mat(c, part[2], part[0]);  // both operands are activations
    ggml_tensor* y = g.output(
        ggml_add(c, sum, ggml_mul_mat(c, ggml_cont(c, ggml_transpose(c, part[1])), scores)));
    g.write(x, joint);
    g.run();
    return g.read(y);
  };
  // ggml's Vulkan backend copies strided operands as f16, which rounds them by up to 2^-11.
  EXPECT_LE(relative_error(run(false), run(true)), device.is_host() ? kF32Tolerance : 0x1p-11);
}

}  // namespace
}  // namespace alref::compute
