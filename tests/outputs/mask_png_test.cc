// SPDX-License-Identifier: Apache-2.0
#include "outputs/mask_png.h"

#include "alref/error.h"

#include <gtest/gtest.h>

#include "media/media_testing.h"

namespace alref::outputs {
namespace {

using media::LabelImage;
using media::Rgb;
using testing::TempDir;

Mask mask_of(int width, int height, std::vector<uint8_t> pixels) {
  Mask mask(width, height);
  mask.pixels = std::move(pixels);
  return mask;
}

FloatMap map_of(std::vector<float> values) {
  FloatMap map(static_cast<int>(values.size()), 1);
  map.values = std::move(values);
  return map;
}

TEST(MaskPngTest, NamesAreThoseOfRefYoutubeVos) {
  EXPECT_EQ(mask_path("out", 0, 0), "out/masks/0/00000.png");
  EXPECT_EQ(mask_path("out", 12, 123456), "out/masks/12/123456.png");
}

TEST(MaskPngTest, HoldsZeroAnd255) {
  const TempDir dir;
  const Mask mask = mask_of(3, 2, {0, 1, 1, 0, 0, 1});
  write_mask_png(mask_path(dir.path(), 1, 7), mask);
  const LabelImage raw = media::read_label_png(dir / "masks/1/00007.png");
  EXPECT_EQ(raw.labels, (std::vector<uint8_t>{0, 255, 255, 0, 0, 255}));
  EXPECT_TRUE(raw.palette.empty());
  EXPECT_EQ(read_mask_png(dir / "masks/1/00007.png"), mask);
}

// The first colours of DAVIS' annotations as their PNG files hold them.
TEST(DavisPaletteTest, HasTheKnownColours) {
  const std::vector<Rgb>& palette = davis_palette();
  ASSERT_EQ(palette.size(), 256u);
  EXPECT_EQ(palette[0], (Rgb{0, 0, 0}));
  EXPECT_EQ(palette[1], (Rgb{128, 0, 0}));
  EXPECT_EQ(palette[2], (Rgb{0, 128, 0}));
  EXPECT_EQ(palette[3], (Rgb{128, 128, 0}));
  EXPECT_EQ(palette[4], (Rgb{0, 0, 128}));
  EXPECT_EQ(palette[8], (Rgb{64, 0, 0}));
  EXPECT_EQ(palette[255], (Rgb{224, 224, 192}));
}

TEST(MergeTest, HighestLogitWinsOverTheBackgroundOfMinusOne) {
  const std::vector<FloatMap> logits = {map_of({-2, -0.5f, 3, 1, -1}),
                                        map_of({-3, -0.7f, 4, 1, -1})};
  EXPECT_EQ(merge_logits(logits).labels, (std::vector<uint8_t>{0, 1, 2, 1, 0}));
  EXPECT_EQ(merge_logits(logits, 0).labels, (std::vector<uint8_t>{0, 0, 2, 1, 0}));
  EXPECT_EQ(merge_logits(logits).palette, davis_palette());
}

TEST(MergeTest, FirstMaskWinsWhereTheyOverlap) {
  const std::vector<Mask> masks = {mask_of(3, 1, {0, 1, 1}), mask_of(3, 1, {1, 1, 0})};
  EXPECT_EQ(merge_masks(masks).labels, (std::vector<uint8_t>{2, 1, 1}));
}

TEST(MergeTest, SizesAndNumbersAreChecked) {
  EXPECT_THROW(merge_masks({}), Error);
  const std::vector<Mask> unlike = {Mask(2, 2), Mask(2, 3)};
  EXPECT_THROW(merge_masks(unlike), Error);
  const std::vector<Mask> many(256, Mask(1, 1));
  EXPECT_THROW(merge_masks(many), Error);
}

}  // namespace
}  // namespace alref::outputs
