// SPDX-License-Identifier: Apache-2.0
#include "core/resize_image.h"

#include "alref/error.h"

#include <cmath>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace alref {
namespace {

// The pictures that make_resize_goldens.py makes.
Image picture(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.row(y)[x * 3 + c] =
            static_cast<uint8_t>(((x * 7 + y * 13 + c * 29) ^ (x * y >> 3)) & 255);
      }
    }
  }
  return image;
}

std::string fnv1a(const std::vector<uint8_t>& bytes) {
  uint64_t value = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3;
  std::ostringstream text;
  text << std::hex << std::setfill('0') << std::setw(16) << value;
  return text.str();
}

// The 8-bit values that Pillow has: unchanged but for the division by 255.
std::vector<uint8_t> bytes_as_pillow(const Image& image, int width, int height, PillowFilter filter,
                                     int threads) {
  std::vector<float> values(static_cast<size_t>(width) * height * 3);
  resize_as_pillow(image, width, height, filter, {}, values, static_cast<size_t>(width) * 3,
                   threads);
  std::vector<uint8_t> bytes;
  for (const float value : values) bytes.push_back(static_cast<uint8_t>(std::lround(value * 255)));
  return bytes;
}

TEST(ResizeImageTest, EqualsPillowBitForBitAndPytorchUpToRounding) {
  std::ifstream file(std::string(ALREF_TEST_DATA) + "/resize/goldens.txt");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    SCOPED_TRACE(line);
    std::istringstream words(line);
    std::string method;
    int width = 0, height = 0, to_width = 0, to_height = 0;
    words >> method >> width >> height >> to_width >> to_height;
    const Image image = picture(width, height);
    if (method != "antialias") {
      std::string hash;
      words >> hash;
      const auto filter = method == "bilinear" ? PillowFilter::kBilinear : PillowFilter::kBicubic;
      EXPECT_EQ(fnv1a(bytes_as_pillow(image, to_width, to_height, filter, /*threads=*/1)), hash);
      EXPECT_EQ(fnv1a(bytes_as_pillow(image, to_width, to_height, filter, /*threads=*/3)), hash);
      continue;
    }
    std::vector<float> got(static_cast<size_t>(to_width) * to_height * 3), same(got.size());
    resize_antialiased(image, to_width, to_height, {}, got);
    resize_antialiased(image, to_width, to_height, {}, same, /*threads=*/3);
    EXPECT_EQ(got, same);
    const size_t area = got.size() / 3;
    for (size_t i = 0; i < 24; ++i) {
      double expected = 0;
      words >> expected;
      // Two passes over at most 2001 taps in another order of summing: observed 1.2e-6.
      const size_t place = i * (got.size() - 1) / 23;  // in the planes that PyTorch has
      EXPECT_NEAR(got[place % area * 3 + place / area], expected, 4e-6);
    }
  }
  EXPECT_EQ(lines, 39);
}

TEST(ResizeImageTest, NormalizesEachChannel) {
  Image image(2, 1);
  image.pixels = {0, 51, 102, 255, 204, 153};
  std::vector<float> values(6);
  resize_as_pillow(image, 2, 1, PillowFilter::kBicubic, {}, values, 6);
  EXPECT_EQ(values, (std::vector<float>{0, 0.2f, 0.4f, 1, 0.8f, 0.6f}));
  const Normalization normalization{{0.5f, 0, 0.2f}, {0.5f, 1, 0.1f}};
  resize_as_pillow(image, 2, 1, PillowFilter::kBilinear, normalization, values, 6);
  EXPECT_FLOAT_EQ(values[0], -1);
  EXPECT_FLOAT_EQ(values[2], 2);
  EXPECT_FLOAT_EQ(values[3], 1);
  std::vector<float> same(6);
  resize_antialiased(image, 2, 1, normalization, same);
  EXPECT_EQ(same, values);
}

TEST(ResizeImageTest, LeavesWhatIsBesideTheRows) {
  std::vector<float> values(2 * 5, -7);
  resize_as_pillow(picture(4, 4), 1, 2, PillowFilter::kBilinear, {}, values, 5);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i] == -7, i % 5 > 2) << i;
}

// Values of the Python function, run on these sizes.
TEST(FitShortestSideTest, AsInGroundingDino) {
  using Size = std::pair<int, int>;
  EXPECT_EQ(fit_shortest_side(1280, 720, 800, 1333), (Size{1333, 750}));
  EXPECT_EQ(fit_shortest_side(640, 480, 800, 1333), (Size{1066, 800}));
  EXPECT_EQ(fit_shortest_side(480, 640, 800, 1333), (Size{800, 1066}));
  EXPECT_EQ(fit_shortest_side(1333, 800, 800, 1333), (Size{1333, 800}));
  EXPECT_EQ(fit_shortest_side(500, 500, 800, 1333), (Size{800, 800}));
  EXPECT_EQ(fit_shortest_side(854, 480, 800, 1333), (Size{1332, 749}));
  EXPECT_EQ(fit_shortest_side(5000, 1, 800, 1333).second, 1);
}

TEST(ResizeNearestTest, TakesTheFlooredSource) {
  Mask mask(3, 1);
  mask.pixels = {1, 0, 1};
  EXPECT_EQ(resize_nearest(mask, 7, 1).pixels, (std::vector<uint8_t>{1, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(resize_nearest(mask, 2, 2).pixels, (std::vector<uint8_t>{1, 0, 1, 0}));
}

TEST(ResizeImageTest, SizesThatAreNotPositiveAreErrors) {
  std::vector<float> to(48);
  EXPECT_THROW(resize_as_pillow(Image(), 4, 4, PillowFilter::kBicubic, {}, to, 12), Error);
  EXPECT_THROW(resize_antialiased(Image(2, 2), 0, 4, {}, to), Error);
  EXPECT_THROW(resize_nearest(Mask(2, 2), 4, -1), Error);
  EXPECT_THROW(fit_shortest_side(0, 2, 800, 1333), Error);
}

}  // namespace
}  // namespace alref
