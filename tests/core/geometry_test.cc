// SPDX-License-Identifier: Apache-2.0
#include "alref/types.h"

#include <gtest/gtest.h>

namespace alref {
namespace {

TEST(IouTest, OfHalfOverlappingBoxesIsOneThird) {
  EXPECT_FLOAT_EQ(iou({0, 0, 2, 1}, {1, 0, 3, 1}), 1.0f / 3);
}

TEST(IouTest, OfInvertedOrEmptyBoxesIsZero) {
  EXPECT_EQ(iou({2, 0, 0, 1}, {0, 0, 3, 1}), 0);
  EXPECT_EQ(iou({}, {}), 0);
}

TEST(MaskTest, AreaCountsNonZeroPixels) {
  Mask mask(3, 2);
  mask.row(1)[2] = 1;
  mask.row(0)[0] = 255;
  EXPECT_EQ(mask.area(), 2u);
}

}  // namespace
}  // namespace alref
