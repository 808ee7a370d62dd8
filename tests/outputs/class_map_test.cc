// SPDX-License-Identifier: Apache-2.0
#include "outputs/class_map.h"

#include <gmock/gmock.h>

#include "core/avs_classes.h"

namespace alref::outputs {
namespace {

using testing::ElementsAre;

Mask mask_of(std::vector<uint8_t> pixels) {
  Mask mask(static_cast<int>(pixels.size()), 1);
  mask.pixels = std::move(pixels);
  return mask;
}

TEST(ClassMapTest, LaterLabelsLieOnTop) {
  const std::vector<Mask> masks = {mask_of({1, 1, 0, 0}), mask_of({0, 1, 1, 0})};
  const std::vector<int> classes = {17, 40};
  EXPECT_THAT(merge_classes(masks, classes, std::vector<size_t>{0, 1}, 4, 1).labels,
              ElementsAre(17, 40, 40, 0));
  EXPECT_THAT(merge_classes(masks, classes, std::vector<size_t>{1, 0}, 4, 1).labels,
              ElementsAre(17, 17, 40, 0));
}

TEST(ClassMapTest, WhatDoesNotSoundIsBackground) {
  const std::vector<Mask> masks = {mask_of({1, 1})};
  EXPECT_THAT(merge_classes(masks, std::vector<int>{3}, {}, 2, 1).labels, ElementsAre(0, 0));
}

// The colours of label2idx.json's classes 0, 1, 17 (dog) and 70 (woman), worked out by hand from
// get_v2_pallete: the index's bits go to red, green and blue in turn, the lowest three first.
TEST(ClassMapTest, ColoursAreAvsBenchs) {
  const auto palette = avs_palette();
  ASSERT_EQ(palette.size(), 71U);
  EXPECT_THAT(palette[0], ElementsAre(0, 0, 0));
  EXPECT_THAT(palette[1], ElementsAre(128, 0, 0));
  EXPECT_THAT(palette[17], ElementsAre(128, 64, 0));
  EXPECT_THAT(palette[70], ElementsAre(32, 128, 128));
  EXPECT_EQ(avs_class("dog"), 17);
  EXPECT_EQ(avs_class("woman"), 70);
  EXPECT_EQ(avs_class("theremin"), std::nullopt);
}

}  // namespace
}  // namespace alref::outputs
