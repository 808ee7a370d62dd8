// SPDX-License-Identifier: Apache-2.0
// Results that only products and attention read may be kept in bf16 where these round to bf16
// anyway: the numbers stay the same.
#include <gtest/gtest.h>

#include "compute/engine_testing.h"
#include "compute/nn/attention.h"
#include "compute/nn/linear.h"
#include "compute/ops/deformable_attention_op.h"
#include "compute/ops/max_pool_op.h"
#include "compute/ops/window_attention_op.h"

namespace alref::compute {
namespace {

struct Case {
  int batch, height, width, heads, dim, window, shift = 0;
  bool pool = false;
  int channels() const { return heads * dim; }
};

class NarrowingTest : public ::testing::TestWithParam<std::tuple<Case, Precision>> {
 protected:
  const Case& p() const { return std::get<0>(GetParam()); }

  // Channels [part * C, (part + 1) * C) of the stacked projection.
  ggml_tensor* third(Graph& g, ggml_tensor* stacked, int part) const {
    const auto from = static_cast<size_t>(part * p().channels()) * sizeof(float);
    return ggml_view_4d(g.context(), stacked, p().channels(), stacked->ne[1], stacked->ne[2],
                        stacked->ne[3], stacked->nb[1], stacked->nb[2], stacked->nb[3], from);
  }
  ggml_tensor* in_windows(Graph& g, ggml_tensor* stacked) {
    ggml_tensor* q = third(g, stacked, 0);
    ggml_tensor* bias = model.weights().f32("qkv.bias", {3 * p().channels()});
    const auto pad = [&](int part) {
      const auto from = static_cast<size_t>(part * p().channels()) * sizeof(float);
      return ggml_view_1d(g.context(), bias, p().channels(), from);
    };
    return window_attention(g,
                            {.heads = p().heads,
                             .window = p().window,
                             .query_window = p().pool ? p().window / 2 : p().window,
                             .shift = p().shift},
                            p().pool ? max_pool_2x2(g, q) : q, third(g, stacked, 1),
                            third(g, stacked, 2), pad(1), pad(2));
  }
  ggml_tensor* over_all(Graph& g, ggml_tensor* stacked) const {
    const auto rows = [&](int part) {
      ggml_tensor* t = third(g, stacked, part);
      return ggml_view_3d(g.context(), t, t->ne[0], t->ne[1] * t->ne[2], t->ne[3], t->nb[1],
                          t->nb[3], 0);
    };
    return nn::attention(g, rows(0), rows(1), rows(2), p().heads,
                         1 / std::sqrt(static_cast<float>(p().dim)));
  }

  /// A projection of attention of a projection. `kept`: what is between is wanted, too, and has to
  /// be f32.
  template <typename Attend>
  std::vector<float> run(const Attend& attend, bool kept) {
    return model.run({{{p().batch, p().height, p().width, p().channels()}, x}},
                     [&](Graph& g, auto in) {
                       ggml_tensor* between = qkv(g, in[0]);
                       if (kept) g.output(between);
                       ggml_tensor* attended = attend(g, between);
                       if (kept) g.output(attended);
                       return proj(g, attended);
                     });
  }

  /// Attention of all places of an image to all in double.
  std::vector<double> attended(const std::vector<double>& rows) const {
    const int n = p().height * p().width, c = p().channels();
    std::vector<double> result(rows.size() / 3);
    for (int image = 0; image < p().batch; ++image) {
      for (int head = 0; head < p().heads; ++head) {
        const auto at = [&](int row, int part, int i) {
          return rows[((image * n + row) * 3 + part) * c + head * p().dim + i];
        };
        for (int query = 0; query < n; ++query) {
          std::vector<double> weights;
          double total = 0;
          for (int key = 0; key < n; ++key) {
            double score = 0;
            for (int i = 0; i < p().dim; ++i) score += at(query, 0, i) * at(key, 1, i);
            weights.push_back(std::exp(score / std::sqrt(p().dim)));
            total += weights.back();
          }
          for (int i = 0; i < p().dim; ++i) {
            double sum = 0;
            for (int key = 0; key < n; ++key)
              sum += weights[static_cast<size_t>(key)] * at(key, 2, i);
            result[(image * n + query) * c + head * p().dim + i] = sum / total;
          }
        }
      }
    }
    return result;
  }

  const std::vector<float> x =
      random_values(p().batch * p().height * p().width * p().channels(), 5);
  TinyModel model{{{"qkv.weight", {3 * p().channels(), p().channels()}},
                   {"qkv.bias", {3 * p().channels()}},
                   {"proj.weight", {p().channels(), p().channels()}},
                   {"proj.bias", {p().channels()}}},
                  2,
                  test_device(2, std::get<1>(GetParam()))};
  nn::Linear qkv{model.weights() / "qkv", p().channels(), 3 * p().channels()},
      proj{model.weights() / "proj", p().channels(), p().channels()};
};

TEST_P(NarrowingTest, WindowsSeeTheSameNumbers) {
  const auto attend = [&](Graph& g, ggml_tensor* t) { return in_windows(g, t); };
  EXPECT_EQ(run(attend, false), run(attend, true));
}

TEST_P(NarrowingTest, AttentionSeesTheSameNumbers) {
  const auto attend = [&](Graph& g, ggml_tensor* t) { return over_all(g, t); };
  EXPECT_EQ(run(attend, false), run(attend, true));
}

TEST_P(NarrowingTest, AttentionMatchesTheFormulaInDouble) {
  if (p().height * p().width > 500) GTEST_SKIP() << "the formula takes too long for this size";
  const auto got = run([&](Graph& g, ggml_tensor* t) { return over_all(g, t); }, false);
  const std::vector<double> input(x.begin(), x.end());
  // Scores are sums of size sqrt(d) * channels: their rounding moves the sharp softmax's weights.
  EXPECT_LE(relative_error(got, model.linear(attended(model.linear(input, "qkv")), "proj")),
            std::get<1>(GetParam()) == Precision::kF32 ? 1e-4 : 3e-2);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, NarrowingTest,
    ::testing::Combine(
        ::testing::Values(
            Case{.batch = 2, .height = 5, .width = 9, .heads = 2, .dim = 9, .window = 4},
            Case{.batch = 1,
                 .height = 11,
                 .width = 7,
                 .heads = 3,
                 .dim = 5,
                 .window = 5,
                 .shift = 2},
            Case{.batch = 1,
                 .height = 20,
                 .width = 22,
                 .heads = 1,
                 .dim = 20,
                 .window = 8,
                 .pool = true},
            // more than the caches hold
            Case{.batch = 1, .height = 48, .width = 50, .heads = 2, .dim = 73, .window = 14}),
        ::testing::Values(Precision::kF32, Precision::kBf16)));

// What the second of three large products gives is the third's alone; the first two are one pass.
TEST(NarrowProductsTest, AProductSeesTheSameNumbers) {
  constexpr int kRows = 3001, kIn = 40, kHidden = 416, kOut = 19;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    TinyModel model({{"a.weight", {kHidden, kIn}},
                     {"a.bias", {kHidden}},
                     {"b.weight", {kHidden, kHidden}},
                     {"b.bias", {kHidden}},
                     {"c.weight", {kOut, kHidden}},
                     {"c.bias", {kOut}}},
                    5, test_device(2, precision));
    const Weights w = model.weights();
    const nn::Linear a(w / "a", kIn, kHidden), b(w / "b", kHidden, kHidden),
        c(w / "c", kHidden, kOut);
    const auto run = [&](bool kept) {
      return model.run({{{kRows, kIn}, random_values(kRows * kIn, 6)}}, [&](Graph& g, auto in) {
        ggml_tensor* second = b(g, ggml_relu(g.context(), a(g, in[0])));
        if (kept) g.output(second);
        return c(g, second);
      });
    };
    EXPECT_EQ(run(false), run(true));
  }
}

// A product makes the value, a product takes the result; as many queries as pixels, and few.
class NarrowValueTest : public ::testing::TestWithParam<Precision> {
 protected:
  static constexpr int kHeads = 3, kDim = 32, kPoints = 2, kChannels = kHeads * kDim;
  const std::vector<MapSize> levels = {{9, 13}, {5, 7}, {2, 3}};
  static constexpr int kPixels = 9 * 13 + 5 * 7 + 2 * 3, kBatch = 2;

  std::vector<float> run(int queries, bool kept) {
    const int points = kHeads * 3 * kPoints;
    const size_t rows = kBatch * queries;
    std::vector<float> reference = random_values(static_cast<size_t>(queries) * 2, 4);
    for (float& place : reference) place = 0.5f + 0.3f * place;
    return model.run(
        {{{kBatch, kPixels, kChannels}, random_values(kBatch * kPixels * kChannels, 1)},
         {{kBatch, queries, 2 * points}, random_values(rows * 2 * points, 2)},
         {{kBatch, queries, points}, random_values(rows * points, 3)},
         {{1, queries, 2}, reference}},
        [&](Graph& g, auto in) {
          ggml_tensor* values = value(g, in[0]);
          if (kept) g.output(values);
          ggml_tensor* y =
              deformable_attention(g, {.levels = levels, .heads = kHeads, .points = kPoints},
                                   values, in[1], in[2], in[3]);
          if (kept) g.output(y);
          return out(g, y);
        });
  }

  TinyModel model{{{"value.weight", {kChannels, kChannels}},
                   {"value.bias", {kChannels}},
                   {"out.weight", {kChannels, kChannels}},
                   {"out.bias", {kChannels}}},
                  3,
                  test_device(2, GetParam())};
  nn::Linear value{model.weights() / "value", kChannels, kChannels},
      out{model.weights() / "out", kChannels, kChannels};
};

TEST_P(NarrowValueTest, ManyQueriesSeeTheSameNumbers) {
  EXPECT_EQ(run(kPixels, false), run(kPixels, true));
}

// An f32 value would be read where it lies, too, but unrounded.
TEST_P(NarrowValueTest, FewQueriesSeeThemRoundedOnce) {
  EXPECT_LE(relative_error(run(7, false), run(7, true)),
            GetParam() == Precision::kF32 ? 1e-6 : 1.0 / 256);
}

INSTANTIATE_TEST_SUITE_P(Precisions, NarrowValueTest,
                         ::testing::Values(Precision::kF32, Precision::kBf16));

}  // namespace
}  // namespace alref::compute
