// SPDX-License-Identifier: Apache-2.0
// Oracle: the formula in double. A place in pixels has an f32 error of about 2^-24 of the map's
// size, which a sample's value follows with the slope between two pixels: 1e-5 of the result for
// maps of up to 100 pixels. bf16 values are rounded to 2^-9 before; at that precision values are
// rounded within: at most 2^-9 of each sample, and less of their sum.
#include "compute/nn/deformable_attention.h"

#include <gtest/gtest.h>

#include "compute/tiny_model.h"

namespace alref::compute {
namespace {

struct Case {
  std::vector<MapSize> levels;
  int batch, queries, heads, points, dim;
  bool boxes;
  int reference_batch;
};

int64_t pixels_of(const Case& p) {
  int64_t pixels = 0;
  for (const MapSize& level : p.levels) pixels += level.pixels();
  return pixels;
}

// value[...] at a whole pixel, 0 outside.
double pixel(const std::vector<float>& value, const Case& p, int64_t first, const MapSize& level,
             int b, int64_t y, int64_t x, int channel) {
  if (y < 0 || y >= level.height || x < 0 || x >= level.width) return 0;
  const int64_t row = b * pixels_of(p) + first + y * level.width + x;
  return value[static_cast<size_t>(row * p.heads * p.dim + channel)];
}

std::vector<double> oracle(const Case& p, const std::vector<float>& value,
                           const std::vector<float>& offsets, const std::vector<float>& scores,
                           const std::vector<float>& reference) {
  const int count = static_cast<int>(p.levels.size()) * p.points, width = p.boxes ? 4 : 2;
  std::vector<double> result;
  for (int b = 0; b < p.batch; ++b) {
    for (int q = 0; q < p.queries; ++q) {
      const float* place = reference.data() + (b % p.reference_batch * p.queries + q) * width;
      for (int h = 0; h < p.heads; ++h) {
        const int start = ((b * p.queries + q) * p.heads + h) * count;
        const auto at = static_cast<size_t>(start);
        double total = 0;
        for (int i = 0; i < count; ++i) total += std::exp(double{scores[at + i]});
        for (int c = 0; c < p.dim; ++c) {
          double sum = 0;
          int64_t first = 0;
          for (int i = 0; i < count; ++i) {
            const MapSize& level = p.levels[static_cast<size_t>(i / p.points)];
            const double dx = offsets[2 * (at + i)], dy = offsets[2 * (at + i) + 1];
            double x = place[0] + (p.boxes ? dx / p.points * place[2] * 0.5 : dx / level.width);
            double y = place[1] + (p.boxes ? dy / p.points * place[3] * 0.5 : dy / level.height);
            x = x * level.width - 0.5, y = y * level.height - 0.5;
            const double x0 = std::floor(x), y0 = std::floor(y);
            double sample = 0;
            for (int corner = 0; corner < 4; ++corner) {
              const int cx = corner % 2, cy = corner / 2;
              const double wx = cx ? x - x0 : 1 - x + x0, wy = cy ? y - y0 : 1 - y + y0;
              sample += wx * wy *
                        pixel(value, p, first, level, b, static_cast<int64_t>(y0) + cy,
                              static_cast<int64_t>(x0) + cx, h * p.dim + c);
            }
            sum += std::exp(double{scores[at + i]}) / total * sample;
            if (i % p.points == p.points - 1) first += level.pixels();
          }
          result.push_back(sum);
        }
      }
    }
  }
  return result;
}

std::vector<float> scaled(std::vector<float> values, float scale, float shift) {
  for (float& v : values) v = v * scale + shift;
  return values;
}

class DeformableAttentionTest : public ::testing::TestWithParam<Case> {
 protected:
  double error(ggml_type type, Precision precision = Precision::kF32) {
    const Case& p = GetParam();
    const int channels = p.heads * p.dim,
              count = p.heads * static_cast<int>(p.levels.size()) * p.points;
    const size_t rows = static_cast<size_t>(p.batch) * p.queries;
    auto value = random_values(static_cast<size_t>(p.batch * pixels_of(p)) * channels, 1);
    if (type == GGML_TYPE_BF16) {
      for (float& v : value) v = ggml_bf16_to_fp32(ggml_fp32_to_bf16(v));
    }
    const auto offsets = scaled(random_values(rows * count * 2, 2), 3, 0),
               scores = random_values(rows * count, 3);
    // Centres around the middle of the image and, for some, beyond its edge.
    const auto reference = scaled(
        random_values(static_cast<size_t>(p.reference_batch) * p.queries * (p.boxes ? 4 : 2), 4),
        0.3f, 0.5f);
    TinyModel model({}, 1, test_device(2, precision));
    const std::vector<float> got = model.run(
        {{{p.batch, pixels_of(p), channels}, value},
         {{p.batch, p.queries, 2 * count}, offsets},
         {{p.batch, p.queries, count}, scores},
         {{p.reference_batch, p.queries, p.boxes ? 4 : 2}, reference}},
        [&](Graph& g, auto in) {
          ggml_tensor* v = type == GGML_TYPE_F32 ? in[0] : ggml_cast(g.context(), in[0], type);
          return deformable_attention(g, {.levels = p.levels, .heads = p.heads, .points = p.points},
                                      v, in[1], in[2], in[3]);
        });
    return relative_error(got, oracle(p, value, offsets, scores, reference));
  }
};

TEST_P(DeformableAttentionTest, MatchesTheFormulaInDouble) {
  EXPECT_LE(error(GGML_TYPE_F32), 1e-5);
}

TEST_P(DeformableAttentionTest, TakesBf16Values) { EXPECT_LE(error(GGML_TYPE_BF16), 1e-5); }

TEST_P(DeformableAttentionTest, RoundsValuesAtMostOnce) {
  EXPECT_LE(error(GGML_TYPE_F32, Precision::kBf16), 1.0 / 512);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, DeformableAttentionTest,
    ::testing::Values(Case{{{8, 6}}, 1, 40, 1, 1, 1, false, 1},
                      Case{{{9, 13}, {5, 7}, {3, 4}, {2, 2}}, 1, 40, 8, 4, 32, false, 1},
                      Case{{{9, 13}, {5, 7}, {3, 4}, {2, 2}}, 2, 17, 8, 4, 32, true, 2},
                      Case{{{9, 13}, {5, 7}}, 3, 11, 4, 4, 16, false, 1},
                      Case{{{6, 5}, {3, 3}, {2, 2}}, 1, 9, 2, 7, 64, false, 1},
                      Case{{{6, 5}, {3, 3}}, 2, 5, 3, 3, 10, true, 1},
                      // As many queries as pixels, and more than a thread takes at a time.
                      Case{{{9, 13}, {5, 7}, {3, 4}, {2, 2}}, 2, 168, 8, 4, 32, false, 1},
                      Case{{{6, 5}, {3, 3}, {2, 2}}, 1, 1031, 2, 7, 64, true, 1},
                      Case{{{7, 4}}, 3, 29, 3, 1, 96, false, 3}));

// Offsets from a damaged network: whatever they are, nothing outside the maps is read and the
// result is a number or NaN.
TEST(DeformableAttentionTest, SurvivesOffsetsThatAreNoNumbers) {
  const float inf = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  for (const int channels : {16, 32}) {
    for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
      TinyModel model({}, 1, test_device(2, precision));
      const std::vector<float> got = model.run(
          {{{1, 4, channels}, std::vector<float>(4 * static_cast<size_t>(channels), 1.0f)},
           {{1, 1, 8}, {inf, 0, -inf, 1e30f, nan, nan, -1e30f, 0}},
           {{1, 1, 4}, {0, 0, 0, 0}},
           {{1, 1, 2}, {0.5f, 0.5f}}},
          [](Graph& g, auto in) {
            return deformable_attention(g, {.levels = {{2, 2}}, .heads = 1, .points = 4}, in[0],
                                        in[1], in[2], in[3]);
          });
      EXPECT_EQ(got, std::vector<float>(static_cast<size_t>(channels), 0.0f));
    }
  }
}

}  // namespace
}  // namespace alref::compute
