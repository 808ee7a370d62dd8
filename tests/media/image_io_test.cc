// SPDX-License-Identifier: Apache-2.0
#include "media/image_io.h"

#include "alref/error.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/media_testing.h"

namespace alref::media {
namespace {

using ::testing::HasSubstr;
using testing::LogCapture;
using testing::max_difference;

const std::string kFolder = std::string(ALREF_TEST_DATA) + "/media/";

Image gradient(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.row(y) + x * 3;
      pixel[0] = static_cast<uint8_t>(255 * x / width);
      pixel[1] = static_cast<uint8_t>(255 * y / height);
      pixel[2] = static_cast<uint8_t>(x ^ y);
    }
  }
  return image;
}

std::string error_of(const std::function<void()>& call, ErrorKind kind) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(PngTest, RgbComesBackAsItWas) {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 5}, {640, 360}}) {
    const Image image = gradient(width, height);
    EXPECT_EQ(max_difference(decode_image(encode_png(image), "memory"), image), 0);
  }
}

TEST(PngTest, AlphaIsKeptOrDropped) {
  RgbaImage image(2, 1);
  image.pixels = {10, 20, 30, 0, 40, 50, 60, 128};
  const std::vector<uint8_t> bytes = encode_png(image);
  EXPECT_EQ(decode_png_rgba(bytes, "memory").pixels, image.pixels);
  EXPECT_EQ(decode_png(bytes, "memory").pixels, (std::vector<uint8_t>{10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(decode_png_rgba(encode_png(gradient(1, 1)), "memory").pixels[3], 255);
}

TEST(PngTest, LabelsComeBackWithTheirPalette) {
  LabelImage labels(3, 2);
  labels.labels = {0, 1, 2, 2, 1, 0};
  labels.palette = {{0, 0, 0}, {128, 0, 0}, {0, 128, 0}};
  const std::vector<uint8_t> bytes = encode_png(labels);
  const LabelImage back = decode_label_png(bytes, "memory");
  EXPECT_EQ(back.labels, labels.labels);
  EXPECT_EQ(back.palette, labels.palette);
  EXPECT_EQ(decode_png(bytes, "memory").row(0)[3], 128);

  labels.palette.clear();
  labels.labels[0] = 255;
  EXPECT_EQ(decode_label_png(encode_png(labels), "memory").labels, labels.labels);
}

TEST(PngTest, NarrowGreyIsScaledAndColourIsNotLabels) {
  const LabelImage bits =
      read_label_png(kFolder + "bits.png");  // 1 bit: a chequer board, white first
  EXPECT_EQ(bits.row(0)[0], 255);
  EXPECT_EQ(bits.row(0)[1], 0);
  EXPECT_EQ(bits.row(36)[52], 255);
  const Image wide = read_image(kFolder + "grey16.png");  // 16 bits, black first
  EXPECT_EQ(wide.row(0)[2], 0);
  EXPECT_EQ(wide.row(0)[3], 255);
  const std::string what =
      error_of([&] { decode_label_png(encode_png(gradient(2, 2)), "rgb.png"); }, ErrorKind::kInput);
  EXPECT_THAT(what, HasSubstr("rgb.png: expected a palette or 8-bit grey PNG"));
}

TEST(PngTest, LabelBeyondThePaletteIsRefused) {
  LabelImage labels(1, 1);
  labels.labels = {2};
  labels.palette = {{0, 0, 0}, {1, 1, 1}};
  error_of([&] { encode_png(labels); }, ErrorKind::kInvalidArgument);
}

TEST(JpegTest, ComesBackAlmostAsItWas) {
  const Image image = gradient(64, 48);
  // Chroma at half resolution of a xor pattern: the gradients alone are compared.
  Image smooth = image;
  for (size_t i = 2; i < smooth.pixels.size(); i += 3) smooth.pixels[i] = 128;
  EXPECT_LE(max_difference(decode_image(encode_jpeg(smooth, 95), "memory"), smooth), 12);
}

// The golden comes from Pillow, see make_image_goldens.py; both decode with libjpeg's accurate
// integer transform.
TEST(JpegTest, EveryColourSpaceDecodesAsInPillow) {
  for (const std::string name : {"rgb", "grey", "progressive"}) {
    const Image expected = read_image(kFolder + name + "-pillow.png");
    EXPECT_EQ(max_difference(read_image(kFolder + name + ".jpg"), expected), 0) << name;
  }
  // Pillow rounds the product of ink and key in another way.
  EXPECT_LE(
      max_difference(read_image(kFolder + "cmyk.jpg"), read_image(kFolder + "cmyk-pillow.png")), 1);
}

TEST(JpegTest, APictureThatBreaksOffIsAnError) {
  std::vector<uint8_t> bytes = encode_jpeg(gradient(64, 64));
  bytes.resize(bytes.size() * 2 / 3);
  EXPECT_EQ(
      error_of([&] { decode_image(bytes, "half.jpg"); }, ErrorKind::kInput),
      "half.jpg: not a whole JPEG: it breaks off after " + std::to_string(bytes.size()) + " bytes");
  // A progressive one still has all of its pixels, but coarse.
  std::vector<uint8_t> progressive = read_file(kFolder + "progressive.jpg");
  progressive.resize(progressive.size() * 3 / 4);
  EXPECT_THAT(error_of([&] { decode_image(progressive, "half.jpg"); }, ErrorKind::kInput),
              HasSubstr("breaks off"));
}

TEST(JpegTest, OnlyTheEndMarkerMissingIsNoLoss) {
  const Image image = gradient(64, 64);
  std::vector<uint8_t> bytes = encode_jpeg(image);
  const Image whole = decode_image(bytes, "whole.jpg");
  bytes.resize(bytes.size() - 2);
  const LogCapture log;
  EXPECT_EQ(max_difference(decode_image(bytes, "camera.jpg"), whole), 0);
}

TEST(JpegTest, DamageWithinIsReadWithAWarning) {
  std::vector<uint8_t> bytes = encode_jpeg(gradient(64, 64));
  std::fill_n(bytes.end() - static_cast<long>(bytes.size() / 3), 8, uint8_t{0xff});
  const LogCapture log;
  EXPECT_EQ(decode_image(bytes, "scratched.jpg").width, 64);
  EXPECT_THAT(log.text, HasSubstr("scratched.jpg: damaged JPEG"));
}

TEST(ImageTest, EveryTruncationIsAnErrorOrAWholePicture) {
  const std::vector<uint8_t> jpeg = encode_jpeg(gradient(20, 20));
  const std::vector<uint8_t> png = encode_png(gradient(20, 20));
  for (const auto& whole : {jpeg, png}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      try {
        const Image image = decode_image({whole.data(), size}, "cut");
        EXPECT_EQ(image.width, 20);
        EXPECT_EQ(image.pixels.size(), 1200u);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
      }
    }
  }
}

TEST(ImageTest, SizeIsCheckedBeforeDecoding) {
  const Image image = gradient(100, 50);
  for (const auto& bytes : {encode_jpeg(image), encode_png(image)}) {
    EXPECT_EQ(decode_image(bytes, "fits", 5000).width, 100);
    const std::string what = error_of([&] { decode_image(bytes, "big", 4999); }, ErrorKind::kInput);
    EXPECT_EQ(what, "big: 100 x 50 pixels, at most 4999 are allowed");
  }
  // A header that claims 2^31 - 1 squared pixels, without data.
  std::vector<uint8_t> bytes = encode_png(gradient(1, 1));
  const uint8_t side[] = {0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff};
  std::copy(std::begin(side), std::end(side), bytes.begin() + 16);
  error_of([&] { decode_image(bytes, "huge"); }, ErrorKind::kInput);
}

TEST(ImageTest, OtherFilesAreErrors) {
  EXPECT_EQ(error_of([] { read_image("/nonexistent/a.png"); }, ErrorKind::kInput),
            "/nonexistent/a.png: cannot be read: No such file or directory");
  const std::vector<uint8_t> text = {'G', 'I', 'F', '8'};
  EXPECT_EQ(error_of([&] { decode_image(text, "a.gif"); }, ErrorKind::kInput),
            "a.gif: is neither a JPEG nor a PNG");
  EXPECT_EQ(error_of([&] { decode_image({}, "a.png"); }, ErrorKind::kInput), "a.png: is empty");
  error_of([] { encode_jpeg(Image(0, 0)); }, ErrorKind::kInvalidArgument);
  error_of([] { encode_png(Image(0, 0)); }, ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace alref::media
