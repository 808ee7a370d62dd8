// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

using ::testing::ElementsAre;

TEST(GraphTest, HandsAResultToTheNextGraphThroughADeviceTensor) {
  Device device({.name = "cpu", .threads = 1, .precision = Precision::kF32});
  DeviceTensor between(device, GGML_TYPE_F32, {3});
  Graph first(device), second(device);
  ggml_tensor* x = first.input(GGML_TYPE_F32, {3});
  first.store(ggml_scale(first.context(), x, 2), between);
  ggml_tensor* y = second.output(ggml_scale(second.context(), between.tensor(), 10));

  for (float start : {1.0f, 5.0f}) {
    first.write(x, std::vector<float>{start, start + 1, start + 2});
    first.run();
    second.run();
    EXPECT_THAT(second.read(y), ElementsAre(20 * start, 20 * (start + 1), 20 * (start + 2)));
  }
}

TEST(GraphTest, RunsAgainWithoutNewScratchMemory) {
  Device device({.name = "cpu", .threads = 2, .precision = Precision::kF32});
  Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {64, 64});
  ggml_tensor* y = g.output(ggml_sqr(g.context(), ggml_sqr(g.context(), x)));
  const std::vector<float> values(64 * 64, 2.0f);
  g.write(x, values);
  g.run();
  const size_t scratch = device.scratch_bytes();
  g.write(x, values);
  g.run();
  EXPECT_EQ(device.scratch_bytes(), scratch);
  EXPECT_EQ(g.read(y), std::vector<float>(64 * 64, 16.0f));
}

TEST(GraphTest, RunsAgainAfterALargerGraphHasMovedTheScratchMemory) {
  Device device({.name = "cpu", .threads = 1, .precision = Precision::kF32});
  Graph small(device), large(device);
  ggml_tensor* a = small.input(GGML_TYPE_F32, {64});
  ggml_tensor* small_result = small.output(ggml_sqr(small.context(), ggml_sqr(small.context(), a)));
  ggml_tensor* b = large.input(GGML_TYPE_F32, {1 << 22});
  ggml_tensor* large_result = large.output(ggml_sqr(large.context(), b));

  for (float value : {2.0f, 3.0f}) {
    small.write(a, std::vector<float>(64, value));
    small.run();
    EXPECT_EQ(small.read(small_result), std::vector<float>(64, value * value * value * value));
    large.write(b, std::vector<float>(1 << 22, value));
    large.run();
    EXPECT_EQ(large.read(large_result)[12345], value * value);
  }
}

TEST(GraphTest, StoresIntoPartOfATensor) {
  Device device({.name = "cpu", .threads = 1, .precision = Precision::kF32});
  DeviceTensor bank(device, GGML_TYPE_F32, {3, 2});
  bank.write(std::vector<float>(6, 0.0f));
  Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {1, 2});
  g.store(x, rows(g.context(), bank.tensor(), 1, 2));
  g.write(x, std::vector<float>{7, 8});
  g.run();
  std::vector<float> copy;
  EXPECT_THAT(bank.read(copy), ElementsAre(0, 0, 7, 8, 0, 0));
}

// It is made there; a reader in the same graph sees it, too.
TEST(GraphTest, StoresAResultThatIsReadOn) {
  Device device(test_device());
  DeviceTensor kept(device, GGML_TYPE_F32, {2, 3});
  Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {6});
  ggml_tensor* twice = ggml_scale(g.context(), x, 2);
  g.store(ggml_reshape_2d(g.context(), twice, 3, 2), kept);
  ggml_tensor* y = g.output(ggml_sqr(g.context(), twice));
  const int nodes = g.nodes();
  for (const float start : {1.0f, 3.0f}) {
    g.write(x, std::vector<float>(6, start));
    g.run();
    std::vector<float> copy;
    EXPECT_THAT(kept.read(copy), ::testing::Each(2 * start));
    EXPECT_EQ(g.read(y), std::vector<float>(6, 4 * start * start));
  }
  EXPECT_EQ(nodes, 2) << "the result was copied";
}

TEST(GraphTest, StoresOneResultTwiceAndAnInput) {
  Device device(test_device());
  DeviceTensor first(device, GGML_TYPE_F32, {4}), second(device, GGML_TYPE_F32, {4}),
      third(device, GGML_TYPE_F32, {4});
  Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {4});
  ggml_tensor* y = ggml_sqr(g.context(), x);
  g.store(y, first);
  g.store(y, second);
  g.store(x, third);
  g.write(x, std::vector<float>(4, 3.0f));
  g.run();
  std::vector<float> copy;
  EXPECT_THAT(first.read(copy), ::testing::Each(9.0f));
  EXPECT_THAT(second.read(copy), ::testing::Each(9.0f));
  EXPECT_THAT(third.read(copy), ::testing::Each(3.0f));
}

// A graph that ran before keeps working when a larger one has made the scratch memory move.
TEST(GraphTest, RunsAfterALargerGraphHasRun) {
  Device device(test_device());
  Graph small(device), large(device);
  ggml_tensor* x = small.input(GGML_TYPE_F32, {4});
  ggml_tensor* y = small.output(ggml_scale(small.context(), ggml_sqr(small.context(), x), 10));
  ggml_tensor* u = large.input(GGML_TYPE_F32, {1024, 4096});
  ggml_tensor* v = large.output(ggml_sqr(large.context(), u));
  for (const float start : {1.0f, 2.0f}) {
    small.write(x, std::vector<float>(4, start));
    small.run();
    EXPECT_EQ(small.read(y), std::vector<float>(4, 10 * start * start));
    large.write(u, std::vector<float>(1024 * 4096, start));
    large.run();
    EXPECT_EQ(large.read(v).back(), start * start);
  }
}

// Two graphs with the same numbers and sizes of tensors, which differ in what lives how long.
TEST(GraphTest, DoesNotFollowAnotherGraphsMemoryPlan) {
  Device device(test_device());
  for (const bool keep : {false, true}) {
    Graph g(device);
    ggml_context* c = g.context();
    ggml_tensor* x = g.input(GGML_TYPE_F32, {4});
    ggml_tensor* first = ggml_scale(c, x, 2);
    if (keep) g.output(first);
    ggml_tensor* last = g.output(ggml_scale(c, ggml_scale(c, ggml_scale(c, first, 2), 2), 2));
    g.write(x, std::vector<float>(4, 1.0f));
    g.run();
    EXPECT_EQ(g.read(last), std::vector<float>(4, 16.0f));
    if (keep) {
      EXPECT_EQ(g.read(first), std::vector<float>(4, 2.0f));
    }
  }
}

}  // namespace
}  // namespace alref::compute
