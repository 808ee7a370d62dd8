// SPDX-License-Identifier: Apache-2.0
#include "core/resize_map.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alref {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

FloatMap ramp(int width, int height) {
  FloatMap map(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) map.row(y)[x] = static_cast<float>((7 * x + 13 * y * y) % 11);
  }
  return map;
}

// Expected values: torch 2.13, interpolate(mode="bilinear", align_corners=False, antialias=A) of
// [[(7 x + 13 y^2) % 11 for x in range(W)] for y in range(H)], as f32; 1e-5 is a few roundings of
// values up to 10.
TEST(ResizeMapTest, EnlargesAsTorchDoes) {
  EXPECT_THAT(
      resize_bilinear(ramp(3, 2), 5, 3).values,
      Pointwise(FloatNear(1e-5f), std::vector<float>{0, 2.8f, 7, 4.599999f, 3, 1, 3.8f, 8,
                                                     5.599999f, 4, 2, 4.8f, 9, 6.599999f, 5}));
}

TEST(ResizeMapTest, ShrinksWithoutAntialiasingAsTorchDoes) {
  EXPECT_THAT(resize_bilinear(ramp(7, 5), 3, 2).values,
              Pointwise(FloatNear(1e-5f), std::vector<float>{6.166667f, 3.25f, 3.083334f, 5.083333f,
                                                             6.75f, 6.583334f}));
}

TEST(ResizeMapTest, ShrinksWithAntialiasingAsTorchDoes) {
  EXPECT_THAT(resize_bilinear_antialiased(ramp(7, 5), 3, 2).values,
              Pointwise(FloatNear(1e-5f), std::vector<float>{4.775974f, 5.160428f, 4.99026f,
                                                             5.811687f, 5.483957f, 5.633116f}));
}

TEST(ResizeMapTest, AntialiasingChangesNothingWhereItEnlarges) {
  EXPECT_THAT(resize_bilinear_antialiased(ramp(3, 2), 5, 3).values,
              Pointwise(FloatNear(1e-5f), resize_bilinear(ramp(3, 2), 5, 3).values));
}

TEST(ResizeMapTest, NaNAndInfinityStayWhereTheyBelong) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), INFINITY}) {
    FloatMap map = ramp(3, 2);
    map.row(0)[0] = bad;
    const FloatMap large = resize_bilinear(map, 6, 4);
    for (int y = 0; y < large.height; ++y) {
      for (int x = 0; x < large.width; ++x)
        EXPECT_EQ(std::isfinite(large.row(y)[x]), x > 2 || y > 2) << x << ", " << y;
    }
  }
}

}  // namespace
}  // namespace alref
