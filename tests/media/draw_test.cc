// SPDX-License-Identifier: Apache-2.0
#include "media/draw.h"

#include "alref/error.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace alref::media {
namespace {

constexpr Color kRed{255, 0, 0};

Color pixel(const Image& image, int x, int y) {
  const uint8_t* p = image.row(y) + static_cast<ptrdiff_t>(x) * 3;
  return {p[0], p[1], p[2]};
}

TEST(CanvasTest, ImageComesBackAsItWas) {
  Image image(3, 2);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 13);
  EXPECT_EQ(Canvas(image).to_image().pixels, image.pixels);
}

TEST(CanvasTest, BoxIsDrawnOnItsEdgeOnly) {
  Canvas canvas(Image(40, 30));
  canvas.box({10, 10, 30, 20}, kRed, 2);
  const Image image = canvas.to_image();
  EXPECT_EQ(pixel(image, 10, 15), kRed);
  EXPECT_EQ(pixel(image, 9, 15), kRed);
  EXPECT_EQ(pixel(image, 20, 15), Color{});
  EXPECT_EQ(pixel(image, 5, 5), Color{});
}

TEST(CanvasTest, TransparentCanvasKeepsItsAlpha) {
  Canvas canvas(4, 1);
  canvas.fill({0, 0, 2, 1}, {200, 100, 50, 128});
  const RgbaImage image = canvas.to_rgba();
  EXPECT_EQ(image.row(0)[3], 128);
  EXPECT_NEAR(image.row(0)[0], 200, 2);
  EXPECT_NEAR(image.row(0)[1], 100, 2);
  EXPECT_EQ(image.row(0)[3 * 4 + 3], 0);
}

TEST(CanvasTest, NumberLiesWithinItsDisc) {
  Canvas canvas(Image(60, 60));
  canvas.number(12, {30, 30}, 20, kRed, {255, 255, 255});
  const Image image = canvas.to_image();
  int white = 0;
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) {
      if (pixel(image, x, y).green > 128) ++white;
      if (std::hypot(x + 0.5 - 30, y + 0.5 - 30) <= 21) continue;
      EXPECT_EQ(pixel(image, x, y), Color{});
    }
  }
  EXPECT_GT(white, 50);
  EXPECT_EQ(pixel(image, 30, 12), kRed);
}

TEST(CanvasTest, TextTakesTheWidthThatItSays) {
  const double width = text_width("a cat on the left", 20);
  EXPECT_GT(width, 80);
  Canvas canvas(Image(400, 40));
  canvas.text("a cat on the left", {10, 30}, 20, kRed);
  const Image image = canvas.to_image();
  int right = 0;
  for (int x = 0; x < 400; ++x) {
    for (int y = 0; y < 40; ++y) {
      if (pixel(image, x, y).red > 64) right = x;
    }
  }
  EXPECT_NEAR(right, 10 + width, 3);
}

TEST(CanvasTest, ImageIsScaledIntoItsBox) {
  Image red(2, 2);
  for (size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 255;
  Canvas canvas(Image(20, 20));
  canvas.image(red, {5, 5, 15, 10});
  const Image image = canvas.to_image();
  EXPECT_EQ(pixel(image, 5, 5), kRed);
  EXPECT_EQ(pixel(image, 14, 9), kRed);
  EXPECT_EQ(pixel(image, 15, 9), Color{});
  EXPECT_EQ(pixel(image, 14, 10), Color{});
}

TEST(CanvasTest, LineJoinsItsPoints) {
  Canvas canvas(Image(20, 20));
  const std::vector<Point> points = {{2, 10}, {18, 10}};
  canvas.line(points, kRed, 2);
  EXPECT_EQ(pixel(canvas.to_image(), 10, 10), kRed);
  EXPECT_EQ(pixel(canvas.to_image(), 10, 15), Color{});
}

TEST(CanvasTest, SizesAreChecked) {
  EXPECT_THROW(Canvas(0, 5), Error);
  EXPECT_THROW(Canvas(5, 40000), Error);
}

TEST(FitTextTest, CutsAtACharacterAndSaysSo) {
  EXPECT_EQ(fit_text("cat", 20, 200), "cat");
  const std::string text =
      fit_text("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 20, 60);
  EXPECT_TRUE(text.ends_with("..."));
  EXPECT_EQ((text.size() - 3) % 2, 0u);
  EXPECT_LE(text_width(text, 20), 60);
  EXPECT_EQ(fit_text("cat", 20, 1), "...");
}

TEST(FitTextTest, BytesThatAreNotUtf8AreDrawnAsQuestionMarks) {
  EXPECT_EQ(text_width("a\xff"
                       "b",
                       20),
            text_width("a?b", 20));
}

TEST(BlendTest, WeighsByAlphaAndCutsAtTheBorder) {
  Image image(4, 4);
  for (uint8_t& value : image.pixels) value = 100;
  RgbaImage patch(2, 2);
  for (size_t i = 0; i < patch.pixels.size(); i += 4) {
    patch.pixels[i] = 200;
    patch.pixels[i + 3] = 128;
  }
  blend(image, patch, -1, 3);
  EXPECT_EQ(pixel(image, 0, 3), (Color{150, 50, 50}));
  EXPECT_EQ(pixel(image, 1, 3), (Color{100, 100, 100}));
  blend(image, patch, 10, 10);
  blend(image, patch, -10, 0);
}

TEST(TintTest, TintsInsideAndDrawsTheOutline) {
  Image image(20, 20);
  Mask mask(20, 20);
  for (int y = 5; y < 15; ++y) {
    for (int x = 5; x < 20; ++x) mask.row(y)[x] = y % 2 ? 1 : 255;
  }
  tint(image, mask, {200, 0, 0}, 0.5, 2);
  EXPECT_EQ(pixel(image, 5, 10), (Color{200, 0, 0}));
  EXPECT_EQ(pixel(image, 6, 10), (Color{200, 0, 0}));
  EXPECT_EQ(pixel(image, 7, 10), (Color{100, 0, 0}));
  EXPECT_EQ(pixel(image, 19, 10), (Color{100, 0, 0})) << "the picture's border is no outline";
  EXPECT_EQ(pixel(image, 4, 10), Color{});
  EXPECT_EQ(pixel(image, 10, 5), (Color{200, 0, 0}));
  EXPECT_THROW(tint(image, Mask(20, 19), kRed), Error);
}

}  // namespace
}  // namespace alref::media
