// SPDX-License-Identifier: Apache-2.0
// Attention over keys that are one block, and over more.
#include "compute/nn/attention.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "compute/engine_testing.h"

namespace alref::compute {
namespace {

/// d values of a head's query and key, dv of its value.
struct Size {
  int queries, keys;
  int d = 40, dv = 24;

  friend void PrintTo(const Size& s, std::ostream* to) {
    *to << s.queries << " queries, " << s.keys << " keys, d " << s.d << ", dv " << s.dv;
  }
};

struct AttentionCase {
  explicit AttentionCase(const Size& size, int images = 2, int all_heads = 2)
      : queries(size.queries),
        keys(size.keys),
        d(size.d),
        dv(size.dv),
        batch(images),
        heads(all_heads) {}

  /// softmax(q k^T * scale + bias + mask) v in double; rows whose scores are all -inf give zeros.
  std::vector<double> expected() const {
    std::vector<double> result;
    for (int b = 0; b < batch; ++b) {
      for (int i = 0; i < queries; ++i) {
        for (int h = 0; h < heads; ++h) {
          std::vector<double> weights(keys);
          double sum = 0;
          for (int j = 0; j < keys; ++j) {
            double score = 0;
            for (int c = 0; c < d; ++c) {
              score += double{q[((b * queries + i) * heads + h) * d + c]} *
                       k[((b * keys + j) * heads + h) * d + c];
            }
            weights[j] = score * kScale;
            if (!plain) {
              weights[j] +=
                  double{bias[(h * queries + i) * keys + j]} + mask[(b * queries + i) * keys + j];
            }
          }
          const double top = *std::max_element(weights.begin(), weights.end());
          for (double& weight : weights) {
            weight = top == -INFINITY ? 0 : std::exp(weight - top);
            sum += weight;
          }
          for (int c = 0; c < dv; ++c) {
            double value = 0;
            for (int j = 0; j < keys; ++j) {
              value += weights[j] * v[((b * keys + j) * heads + h) * dv + c];
            }
            result.push_back(sum == 0 ? 0 : value / sum);
          }
        }
      }
    }
    return result;
  }

  std::vector<float> run(Device& device) const {
    Graph g(device);
    ggml_tensor *tq = g.input(GGML_TYPE_F32, {batch, queries, heads * d}),
                *tk = g.input(GGML_TYPE_F32, {batch, keys, heads * d}),
                *tv = g.input(GGML_TYPE_F32, {batch, keys, heads * dv});
    ggml_tensor* y = attend(g, tq, tk, tv);
    g.write(tq, q);
    g.write(tk, k);
    g.write(tv, v);
    g.run();
    return g.read(y);
  }

  /// With queries, keys and values in bf16, and a result of `type`.
  std::vector<float> run_bf16(Device& device, ggml_type type) const {
    const DeviceTensor tq = make_bf16(device, {batch, queries, heads * d}, q),
                       tk = make_bf16(device, {batch, keys, heads * d}, k),
                       tv = make_bf16(device, {batch, keys, heads * dv}, v);
    Graph g(device);
    ggml_tensor* y = attend(g, tq.tensor(), tk.tensor(), tv.tensor(), type);
    g.run();
    if (type == GGML_TYPE_F32) return g.read(y);
    std::vector<ggml_bf16_t> elements(static_cast<size_t>(ggml_nelements(y)));
    ggml_backend_tensor_get(y, elements.data(), 0, ggml_nbytes(y));
    std::vector<float> values(elements.size());
    ggml_bf16_to_fp32_row(elements.data(), values.data(), ggml_nelements(y));
    return values;
  }

  ggml_tensor* attend(Graph& g, ggml_tensor* tq, ggml_tensor* tk, ggml_tensor* tv,
                      ggml_type type = GGML_TYPE_F32) const {
    ggml_tensor *tb = nullptr, *tm = nullptr;
    if (!plain) {
      tb = g.input(GGML_TYPE_F32, {heads, queries, keys});
      tm = g.input(GGML_TYPE_F32, {batch, queries, keys});
    }
    ggml_tensor* y = g.output(nn::attention(g, tq, tk, tv, heads, kScale, tb, tm, type));
    if (!plain) {
      g.write(tb, bias);
      g.write(tm, mask);
    }
    return y;
  }

  static constexpr float kScale = 0.158f;
  int queries, keys, d, dv, batch, heads;
  bool plain = false;  // without bias and mask
  std::vector<float> q = random_values(batch * queries * heads * d, 1),
                     k = random_values(batch * keys * heads * d, 2),
                     v = random_values(batch * keys * heads * dv, 3),
                     bias = random_values(heads * queries * keys, 4),
                     mask = std::vector<float>(batch * queries * keys, 0.0f);
};

class AttentionTest : public ::testing::TestWithParam<Size> {};

// Keys come in several blocks: a query may see none of the first ones, or none at all.
TEST_P(AttentionTest, WithMasksMatchesTheFormulaInDouble) {
  AttentionCase a(GetParam());
  for (int i = 0; i < a.queries; ++i) {
    const int hidden = i % 3 == 0 ? a.keys * 2 / 3 : i == 7 ? a.keys : i % 5;
    std::fill_n(a.mask.begin() + i * a.keys, hidden, -INFINITY);
  }
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Device device(test_device(2, precision));
    // Scores of size 1 err by 2e-3 in bf16, and so do their weights.
    EXPECT_LE(relative_error(a.run(device), a.expected()),
              precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance);
  }
}

TEST_P(AttentionTest, OperandsOfBf16AreTakenAsTheyAre) {
  AttentionCase a(GetParam());
  for (std::vector<float>* values : {&a.q, &a.k, &a.v}) *values = rounded_to_bf16(*values);
  for (const bool plain : {false, true}) {
    a.plain = plain;
    const std::vector<double> expected = a.expected();
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      Device device(test_device(2, precision));
      // In bf16 only the weights are rounded, to 2^-9 and half as much again: 2.6e-3 observed.
      EXPECT_LE(relative_error(a.run_bf16(device, GGML_TYPE_F32), expected),
                precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance);
      EXPECT_LE(relative_error(a.run_bf16(device, GGML_TYPE_BF16), expected), kBf16Tolerance);
    }
  }
}

// The highest score takes it all, however large: at 1e35 neighbouring floats are 1e28 apart.
// Factors are numbers of bf16, so that precisions agree which is the highest.
TEST_P(AttentionTest, HugeScoresMatchTheFormulaInDouble) {
  for (const float factor : {1e2f, 1e5f, 1e10f, 1e17f}) {
    AttentionCase a(GetParam());
    for (std::vector<float>* values : {&a.q, &a.k}) {
      for (float& value : *values) value = ggml_bf16_to_fp32(ggml_fp32_to_bf16(value * factor));
    }
    for (int i = 0; i < a.queries; ++i) {
      std::fill_n(a.mask.begin() + i * a.keys, i % 3 == 0 ? a.keys * 2 / 3 : i % 5, -INFINITY);
    }
    for (const bool plain : {false, true}) {
      a.plain = plain;
      const std::vector<double> expected = a.expected();
      for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
        Device device(test_device(2, precision));
        // Scores of 1e4 err by 1e4 * 40 * 2^-24 = 2e-2 at worst, and so do weights where two are
        // that near.
        EXPECT_LE(relative_error(a.run(device), expected), kBf16Tolerance)
            << factor << (plain ? ", plain" : "") << (precision == Precision::kF32 ? "" : ", bf16");
      }
    }
  }
}

TEST_P(AttentionTest, ANanSpoilsItsOwnQueryOnly) {
  AttentionCase a(GetParam());
  const std::vector<double> clean = a.expected();
  const int spoilt = 5 * a.heads + 1;  // batch entry 0, query 5, head 1
  a.q[spoilt * a.d + 3] = NAN;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Device device(test_device(2, precision));
    const std::vector<float> got = a.run(device);
    for (size_t i = 0; i < got.size(); ++i) {
      const size_t row = i / static_cast<size_t>(a.dv);
      if (row == static_cast<size_t>(spoilt)) {
        EXPECT_TRUE(std::isnan(got[i])) << i;
      } else {
        // In bf16 a value of up to 4 is rounded by 4 * 2^-9 = 8e-3. Two weights of 1/2 that err by
        // 5e-3 of themselves, in opposite directions (scores by 2e-3, their own rounding 3e-3),
        // move 2.5e-3 of two values' difference of up to 8: 2e-2. Observed: 1.1e-2.
        ASSERT_NEAR(got[i], clean[i], precision == Precision::kF32 ? 1e-5 : 3e-2) << i;
      }
    }
  }
}

// Not a query that sees no key: no score is higher than -inf, which comes first.
TEST_P(AttentionTest, ANanAmongHiddenKeysSpoilsItsQuery) {
  AttentionCase a(GetParam());
  std::fill_n(a.mask.begin() + 5 * a.keys, a.keys, -INFINITY);  // batch entry 0, query 5
  a.mask[5 * a.keys + a.keys / 2] = NAN;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Device device(test_device(2, precision));
    const std::vector<float> got = a.run(device);
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(std::isnan(got[i]), i / static_cast<size_t>(a.heads * a.dv) == 5) << i;
  }
}

// Results of 4 MiB and more are stored past the caches.
TEST(LargeAttentionTest, MatchesTheFormulaInDouble) {
  AttentionCase a({2100, 64, 40, 64}, 4, 2);
  for (const bool plain : {false, true}) {
    a.plain = plain;
    const std::vector<double> expected = a.expected();
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      Device device(test_device(2, precision));
      EXPECT_LE(relative_error(a.run(device), expected),
                precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance);
    }
  }
}

// One task for several threads: queries of one block meet chunks of keys, more are shared out.
TEST(AttentionOfOneHeadTest, MatchesTheFormulaInDoubleOnAnyNumberOfThreads) {
  for (const auto& [queries, keys] :
       {std::pair(100, 5000), std::pair(30, 1300), std::pair(700, 3000)}) {
    AttentionCase a({queries, keys}, 1, 1);
    for (int i = 0; i < a.queries; ++i)
      std::fill_n(a.mask.begin() + i * a.keys,
                  i == 70      ? a.keys
                  : i % 3 == 0 ? std::min(2200, a.keys - 200)
                               : i % 5,
                  -INFINITY);
    const std::vector<double> expected = a.expected();
    for (const int threads : {1, 2, 3}) {
      for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
        Device device(test_device(threads, precision));
        EXPECT_LE(relative_error(a.run(device), expected),
                  precision == Precision::kF32 ? kF32Tolerance : kBf16Tolerance)
            << queries << " queries, " << threads << " threads";
      }
    }
  }
}

// Few queries meet chunks of keys, which are put together. With AMX up to 512 keys are one block,
// else up to 384; there up to 64 keys and values are tiles that stay in registers.
INSTANTIATE_TEST_SUITE_P(Sizes, AttentionTest,
                         ::testing::Values(Size{130, 900}, Size{37, 2900}, Size{9, 5}, Size{16, 16},
                                           Size{20, 30}, Size{20, 40}, Size{49, 49}, Size{64, 64},
                                           Size{196, 196}, Size{33, 384}, Size{20, 385},
                                           Size{33, 512}, Size{33, 513}, Size{20, 30, 32, 48},
                                           Size{49, 49, 72, 80}, Size{20, 600, 16, 80}));

}  // namespace
}  // namespace alref::compute
