// SPDX-License-Identifier: Apache-2.0
// What the backend fuses and narrows, looked at in the graph: results alone would be right without.
#include "compute/onednn/fusion.h"

#include <memory>

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <gtest/gtest.h>

#include "compute/engine_testing.h"
#include "compute/kernels/kernels.h"
#include "compute/nn/attention.h"
#include "compute/onednn/narrowing.h"
#include "compute/ops/rope_op.h"

namespace alref::compute::onednn {
namespace {

// A graph that is never run, and weights in memory that is marked so.
class PlannedGraph {
 public:
  ggml_tensor* weight(int64_t n, int64_t rows = 1) {
    return ggml_new_tensor_2d(weights_.get(), GGML_TYPE_F32, n, rows);
  }
  ggml_tensor* input(int64_t n, int64_t rows, int64_t images = 1) {
    return ggml_new_tensor_3d(c(), GGML_TYPE_F32, n, rows, images);
  }
  ggml_context* c() const { return nodes_.get(); }
  ggml_cgraph* of(ggml_tensor* result) {
    memory_.reset(
        ggml_backend_alloc_ctx_tensors_from_buft(weights_.get(), ggml_backend_cpu_buffer_type()));
    ggml_backend_buffer_set_usage(memory_.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_build_forward_expand(graph_, result);
    return graph_;
  }

 private:
  struct Free {
    void operator()(ggml_context* context) const { ggml_free(context); }
    void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
  };
  static ggml_context* context() {
    return ggml_init({.mem_size = size_t{1} << 20, .mem_buffer = nullptr, .no_alloc = true});
  }
  std::unique_ptr<ggml_context, Free> weights_{context()}, nodes_{context()};
  std::unique_ptr<ggml_backend_buffer, Free> memory_;
  ggml_cgraph* graph_ = ggml_new_graph(nodes_.get());
};

TEST(FusionTest, ALayerNormAndWhatFollowsAProductAreOneChain) {
  PlannedGraph g;
  ggml_tensor *x = g.input(40, 7), *w = g.weight(40, 50), *bias = g.weight(50);
  ggml_tensor* y = ggml_mul(g.c(), ggml_norm(g.c(), x, 1e-5f), g.weight(40));
  y = ggml_add(g.c(), ggml_mul_mat(g.c(), w, ggml_add(g.c(), y, g.weight(40))), bias);
  ggml_cgraph* graph = g.of(ggml_relu(g.c(), y));
  const auto linear = fuse_linear(graph, 0, /*allocated=*/false);
  ASSERT_TRUE(linear);
  EXPECT_EQ(linear->end, graph->n_nodes);
  EXPECT_TRUE(linear->pattern.norm);
  EXPECT_EQ(linear->pattern.bias, bias);
  EXPECT_EQ(linear->pattern.activation, kernels::Activation::kRelu);
}

TEST(FusionTest, ALargeProductEndsInItsNorm) {
  PlannedGraph g;
  ggml_tensor* y = ggml_mul_mat(g.c(), g.weight(40, 256), g.input(40, 4400));
  y = ggml_mul(g.c(), ggml_norm(g.c(), y, 1e-5f), g.weight(256));
  ggml_cgraph* graph = g.of(ggml_add(g.c(), y, g.weight(256)));
  const auto linear = fuse_linear(graph, 0, /*allocated=*/false);
  EXPECT_EQ(linear->end, graph->n_nodes);
  EXPECT_EQ(linear->pattern.after.size(), 1u);
}

TEST(FusionTest, ASumOfLikeTensorsBeginsAProductAndNoOtherSum) {
  for (const int64_t images : {2, 1}) {  // positions for each image, or once for both
    PlannedGraph g;
    ggml_tensor* sum = ggml_add(g.c(), g.input(40, 7, 2), g.input(40, 7, images));
    ggml_cgraph* graph = g.of(ggml_mul_mat(g.c(), g.weight(40, 50), sum));
    const auto linear = fuse_linear(graph, 0, /*allocated=*/false);
    EXPECT_EQ(linear.has_value(), images == 2);
    if (linear) {
      EXPECT_EQ(linear->end, graph->n_nodes);
    }
  }
}

// The type that keys have in a run: a product, its bias and a rotary encoding, for attention.
ggml_type type_of_keys(bool bias_is_weight) {
  constexpr int kRows = 15, kWidth = 32;
  TinyModel model({{"w", {kWidth, kWidth}}, {"b", {kWidth}}}, 4,
                  {.name = "cpu", .threads = 2, .precision = Precision::kBf16});
  Graph g(model.device());
  ggml_tensor *x = g.input(GGML_TYPE_F32, {1, kRows, kWidth}),
              *table = g.input(GGML_TYPE_F32, {3 + 5, kWidth / 2}),
              *row = g.input(GGML_TYPE_F32, {kWidth});
  ggml_tensor* product = ggml_mul_mat(g.context(), model.weights().f32("w", {kWidth, kWidth}), x);
  ggml_tensor* bias = bias_is_weight ? model.weights().f32("b", {kWidth}) : row;
  ggml_tensor* keys = rope(g, ggml_add(g.context(), product, bias), table, /*width=*/5, kRows);
  g.output(nn::attention(g, keys, keys, keys, 2, 0.25f));
  g.write(x, random_values(size_t{kRows} * kWidth, 6));
  g.write(table, axial_rope_table(3, 5, kWidth, 100));
  g.write(row, random_values(kWidth, 7));
  g.run();
  EXPECT_EQ(product->type, keys->type);
  return keys->type;
}

// A bias that is an activation may be gone when the chain ends.
TEST(NarrowTest, KeysAreBf16InARunUnlessTheirBiasIsAnActivation) {
  if (!kernels::block_kernels(kernels::Element::kBf16)) GTEST_SKIP() << "no AVX-512";
  EXPECT_EQ(type_of_keys(/*bias_is_weight=*/true), GGML_TYPE_BF16);
  EXPECT_EQ(type_of_keys(/*bias_is_weight=*/false), GGML_TYPE_F32);
}

// y [8, 6] = a product and a bias; readers see it through a view of its right half.
struct Viewed {
  Viewed() {
    product = ggml_mul_mat(g.c(), g.weight(5, 8), g.input(5, 6));
    biased = ggml_add(g.c(), product, g.weight(8));
    view = ggml_view_2d(g.c(), biased, 4, 6, biased->nb[1], 4 * sizeof(float));
    graph = g.of(ggml_mul_mat(g.c(), g.weight(4, 3), view));
  }
  NarrowingRules rules(bool reads) const {
    return {.stores = [this](int i) { return graph->nodes[i] == biased; },
            .reads = [reads](const ggml_tensor*, int slot) { return reads && slot == 1; },
            .begins = [](int i) { return i - 1; }};
  }

  PlannedGraph g;
  ggml_tensor *product, *biased, *view;
  ggml_cgraph* graph;
};

TEST(NarrowTest, AResultItsViewsAndWhatIsComputedOnTheWayChange) {
  const Viewed v;
  narrow(v.graph, v.rules(true));
  for (const ggml_tensor* t : {v.product, v.biased}) {
    EXPECT_EQ(t->type, GGML_TYPE_BF16);
    EXPECT_EQ(t->nb[0], 2u);
    EXPECT_EQ(t->nb[1], 16u);
    EXPECT_EQ(t->nb[3], 96u);
    EXPECT_EQ(ggml_nbytes(t), 96u);
  }
  EXPECT_EQ(v.view->type, GGML_TYPE_BF16);
  EXPECT_EQ(v.view->nb[0], 2u);
  EXPECT_EQ(v.view->nb[1], 16u);
  EXPECT_EQ(v.view->view_offs, 8u);
  EXPECT_EQ(v.graph->nodes[v.graph->n_nodes - 1]->type, GGML_TYPE_F32);
}

TEST(NarrowTest, NothingChangesWhereAReaderRefusesOrTheHostReads) {
  for (const bool refused : {true, false}) {
    const Viewed v;
    if (!refused) ggml_set_output(v.view);
    narrow(v.graph, v.rules(!refused));
    for (const ggml_tensor* t : {v.product, v.biased, v.view}) {
      EXPECT_EQ(t->type, GGML_TYPE_F32);
      EXPECT_EQ(t->nb[1], 32u);
    }
    EXPECT_EQ(v.view->view_offs, 16u);
  }
}

}  // namespace
}  // namespace alref::compute::onednn
