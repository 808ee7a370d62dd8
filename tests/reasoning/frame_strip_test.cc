// SPDX-License-Identifier: Apache-2.0
#include "reasoning/frame_strip.h"

#include "alref/error.h"

#include <array>

#include <gtest/gtest.h>

namespace alref::reasoning {
namespace {

using Rgb = std::array<int, 3>;

std::shared_ptr<const Image> grey(int width, int height, uint8_t value) {
  auto image = std::make_shared<Image>(width, height);
  std::fill(image->pixels.begin(), image->pixels.end(), value);
  return image;
}

Rgb pixel(const Image& image, int x, int y) {
  const uint8_t* p = image.row(y) + 3 * x;
  return {p[0], p[1], p[2]};
}

class FrameStripTest : public testing::Test {
 protected:
  // Frames of 1000 x 600 source pixels: drawn at half size.
  std::vector<std::shared_ptr<const Image>> frames_ = {grey(1000, 600, 90), grey(1000, 600, 150)};
};

TEST_F(FrameStripTest, FramesLieUnderOneAnotherFiveHundredWide) {
  const Image strip = draw_strip(frames_);
  EXPECT_EQ(strip.width, 500);
  EXPECT_EQ(strip.height, 600);
  EXPECT_EQ(pixel(strip, 250, 150), (Rgb{90, 90, 90}));
  EXPECT_EQ(pixel(strip, 250, 450), (Rgb{150, 150, 150}));
}

TEST_F(FrameStripTest, NumberCirclesAreInSourcePixels) {
  const Image strip = draw_strip(frames_);
  // Centre (50, 50), radius 35, halved: the circle reaches from 7.5 to 42.5 in each frame of the
  // strip.
  for (const int top : {0, 300}) {
    EXPECT_EQ(pixel(strip, 12, top + 25), (Rgb{31, 119, 180}));
    EXPECT_NE(pixel(strip, 46, top + 25), (Rgb{31, 119, 180}));
    EXPECT_EQ(pixel(strip, 46, top + 25)[0], top == 0 ? 90 : 150);
  }
}

TEST_F(FrameStripTest, NumbersDiffer) {
  const Image strip = draw_strip(frames_);
  int white_1 = 0, white_2 = 0, differing = 0;
  for (int y = 15; y < 35; ++y) {
    for (int x = 15; x < 35; ++x) {
      const bool one = pixel(strip, x, y)[0] > 200, two = pixel(strip, x, y + 300)[0] > 200;
      white_1 += one;
      white_2 += two;
      differing += one != two;
    }
  }
  EXPECT_GT(white_1, 5);
  EXPECT_GT(white_2, 5);
  EXPECT_GT(differing, 5);
}

TEST_F(FrameStripTest, BoxesAreDrawnOnTheirFrameOnlyInTheirColours) {
  const MarkedBoxes marks{.frame = 2, .boxes = {{200, 200, 400, 400}, {500, 100, 900, 500}}};
  const Image strip = draw_strip(frames_, {}, marks);
  EXPECT_EQ(pixel(strip, 150, 300 + 100), (Rgb{0, 128, 0}));   // top edge of box 1
  EXPECT_EQ(pixel(strip, 350, 300 + 50), (Rgb{255, 0, 255}));  // top edge of box 2
  EXPECT_EQ(pixel(strip, 150, 100), (Rgb{90, 90, 90}));        // nothing on frame 1
  // Box 2's number: radius 25 inside its lower right corner, so that its rim ends there.
  EXPECT_EQ(pixel(strip, (900 - 44) / 2, 300 + (500 - 25) / 2), (Rgb{255, 0, 255}));
  EXPECT_EQ(pixel(strip, (900 - 60) / 2, 300 + (500 - 25) / 2), (Rgb{150, 150, 150}));
}

TEST_F(FrameStripTest, RowsOfFive) {
  const std::vector<std::shared_ptr<const Image>> ten(10, grey(100, 50, 10));
  const Image strip =
      draw_strip(ten, {.columns = 5, .frame_width = 100, .number_centre = 20, .number_radius = 15});
  EXPECT_EQ(strip.width, 500);
  EXPECT_EQ(strip.height, 100);
}

TEST_F(FrameStripTest, TinyFramesAreDrawnToo) {
  const std::vector<std::shared_ptr<const Image>> one = {grey(1, 1, 200)};
  EXPECT_EQ(draw_strip(one).height, 500);
}

TEST_F(FrameStripTest, NoFramesOrTooManyBoxesAreErrors) {
  EXPECT_THROW(draw_strip({}), Error);
  EXPECT_THROW(draw_strip(frames_, {}, MarkedBoxes{1, std::vector<Box>(7)}), Error);
}

}  // namespace
}  // namespace alref::reasoning
