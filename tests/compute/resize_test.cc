// SPDX-License-Identifier: Apache-2.0
// Resizing against the formulae in double. A place in the source is computed in 32 bits, as in
// PyTorch: off by 2^-24 of at most 40 pixels, which moves a value by 3e-6 of its neighbours'
// difference; then come sums of at most 100 products. Observed 1.4e-6 in all; a = -0.5 for bicubic
// gives 0.09.
#include "compute/nn/resize.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

constexpr double kTolerance = 5e-6;

// How much source position j counts at position i of the result.
double weight(Resampling mode, int i, int j, int from, int to) {
  const double scale = static_cast<double>(from) / to, centre = scale * (i + 0.5);
  const auto sum_at_edges = [&](auto kernel) {  // positions beyond an edge are the edge
    double sum = 0;
    for (int k = -4; k < from + 4; ++k) {
      if (std::clamp(k, 0, from - 1) == j) sum += kernel(std::abs(k + 0.5 - centre));
    }
    return sum;
  };
  switch (mode) {
    case Resampling::kNearest:
      return i * from / to == j;
    case Resampling::kBilinear:
      return sum_at_edges([](double d) { return std::max(0.0, 1 - d); });
    case Resampling::kBicubic:
      return sum_at_edges([](double d) {
        constexpr double a = -0.75;
        if (d < 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
        return d < 2 ? a * (d * d * d - 5 * d * d + 8 * d - 4) : 0;
      });
    case Resampling::kBilinearAntialiased: {
      const double reach = std::max(scale, 1.0);
      double sum = 0;
      const auto triangle = [&](int k) {
        return std::max(0.0, 1 - std::abs(k + 0.5 - centre) / reach);
      };
      for (int k = 0; k < from; ++k) sum += triangle(k);
      return triangle(j) / sum;
    }
  }
  return NAN;
}

struct ResizeCase {
  Resampling mode;
  int height, width, to_height, to_width;
};

class ResizeTest : public ::testing::TestWithParam<ResizeCase> {
 protected:
  static constexpr int kBatch = 2, kChannels = 5, kAll = 8;  // channels 2 to 6 of 8

  static std::vector<float> run(const ResizeCase& p, const std::vector<float>& x) {
    TinyModel model({});
    return model.run({{{kBatch, p.height, p.width, kAll}, x}}, [&](Graph& g, auto in) {
      ggml_tensor* part = ggml_view_4d(g.context(), in[0], kChannels, p.width, p.height, kBatch,
                                       in[0]->nb[1], in[0]->nb[2], in[0]->nb[3], 2 * sizeof(float));
      return nn::resize(g, part, p.to_height, p.to_width, p.mode);
    });
  }
};

TEST_P(ResizeTest, OfAStridedViewMatchesTheFormula) {
  const ResizeCase& p = GetParam();
  const auto x = random_values(kBatch * p.height * p.width * kAll, 1);
  std::vector<double> expected;
  for (int n = 0; n < kBatch; ++n) {
    for (int i = 0; i < p.to_height; ++i) {
      for (int j = 0; j < p.to_width; ++j) {
        double sum[kChannels] = {};
        for (int k = 0; k < p.height; ++k) {
          const double row = weight(p.mode, i, k, p.height, p.to_height);
          for (int l = 0; l < p.width; ++l) {
            const double w = row * weight(p.mode, j, l, p.width, p.to_width);
            for (int c = 0; c < kChannels; ++c) {
              sum[c] += w * x[((n * p.height + k) * p.width + l) * kAll + 2 + c];
            }
          }
        }
        expected.insert(expected.end(), sum, sum + kChannels);
      }
    }
  }
  EXPECT_LE(relative_error(run(p, x), expected), kTolerance);
}

// Which has a way of its own.
TEST_P(ResizeTest, OfOneChannelIsTheSame) {
  const ResizeCase& p = GetParam();
  const auto both = random_values(kBatch * p.height * p.width * 2, 3);
  TinyModel model({});
  const auto run = [&](bool strided) {
    return model.run({{{kBatch, p.height, p.width, 2}, both}}, [&](Graph& g, auto in) {
      ggml_tensor* x = ggml_view_4d(g.context(), in[0], 1, p.width, p.height, kBatch, in[0]->nb[1],
                                    in[0]->nb[2], in[0]->nb[3], sizeof(float));
      if (!strided) x = ggml_cont(g.context(), x);
      return nn::resize(g, x, p.to_height, p.to_width, p.mode);
    });
  };
  const std::vector<float> strided = run(true);
  EXPECT_LE(relative_error(run(false), std::vector<double>(strided.begin(), strided.end())),
            kTolerance);
}

// NaN and infinity reach what depends on them, and nothing else.
TEST_P(ResizeTest, NaNAndInfinityStayWhereTheyBelong) {
  const ResizeCase& p = GetParam();
  auto x = random_values(kBatch * p.height * p.width * kAll, 2);
  const auto pixel = [&](int k, int l) { return x.data() + (k * p.width + l) * kAll + 2; };
  pixel(0, 0)[0] = std::numeric_limits<float>::quiet_NaN();
  pixel(p.height - 1, p.width - 1)[1] = std::numeric_limits<float>::infinity();
  const std::vector<float> got = run(p, x);
  for (int i = 0; i < p.to_height; ++i) {
    for (int j = 0; j < p.to_width; ++j) {
      const float* y = got.data() + (i * p.to_width + j) * kChannels;
      const auto counts = [&](int k, int l) {
        return std::abs(weight(p.mode, i, k, p.height, p.to_height) *
                        weight(p.mode, j, l, p.width, p.to_width)) > 1e-6;
      };
      EXPECT_TRUE(!counts(0, 0) || std::isnan(y[0])) << i << ", " << j;
      EXPECT_TRUE(!counts(p.height - 1, p.width - 1) || !std::isfinite(y[1])) << i << ", " << j;
      for (int c = 2; c < kChannels; ++c) EXPECT_TRUE(std::isfinite(y[c])) << i << ", " << j;
    }
  }
  // The second image of the batch is untouched.
  for (size_t i = got.size() / 2; i < got.size(); ++i) EXPECT_TRUE(std::isfinite(got[i]));
}

std::vector<ResizeCase> cases() {
  std::vector<ResizeCase> all;
  for (const Resampling mode : {Resampling::kNearest, Resampling::kBilinear,
                                Resampling::kBilinearAntialiased, Resampling::kBicubic}) {
    all.push_back({mode, 3, 5, 7, 11});
    all.push_back({mode, 13, 9, 4, 5});
    all.push_back({mode, 7, 40, 14, 13});
    all.push_back({mode, 1, 1, 3, 4});
    all.push_back({mode, 6, 7, 1, 1});
    all.push_back({mode, 5, 6, 5, 12});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Shapes, ResizeTest, ::testing::ValuesIn(cases()));

TEST(ResizeToTheSameSizeTest, IsTheSameTensor) {
  TinyModel model({});
  Graph g(model.device());
  ggml_tensor* x = g.input(GGML_TYPE_F32, {1, 3, 4, 2});
  EXPECT_EQ(nn::resize(g, x, 3, 4, Resampling::kBicubic), x);
}

}  // namespace
}  // namespace alref::compute
