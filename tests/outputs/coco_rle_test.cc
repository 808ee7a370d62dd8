// SPDX-License-Identifier: Apache-2.0
#include "outputs/coco_rle.h"

#include "alref/error.h"

#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace alref::outputs {
namespace {

// The masks that make_rle_goldens.py makes.
Mask mask_of(const std::string& kind, int w, int h) {
  Mask mask(w, h);
  const int side = std::min(w, h);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      bool on = false;
      if (kind == "full") on = true;
      if (kind == "disc")
        on = (2 * x - w) * (2 * x - w) + (2 * y - h) * (2 * y - h) < side * side / 2;
      if (kind == "chequers") on = (x + y) % 2 == 0;
      if (kind == "stripes") on = (x * x + 3 * y) / 7 % 3 == 0;
      if (kind == "corner") on = x == w - 1 && y == h - 1;
      mask.row(y)[x] = on;
    }
  }
  return mask;
}

TEST(CocoRleTest, EqualsPycocotoolsBothWays) {
  std::ifstream file(std::string(ALREF_TEST_DATA) + "/rle/goldens.txt");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    std::istringstream words(line);
    std::string kind, counts;
    int width = 0, height = 0;
    words >> kind >> width >> height >> counts;
    SCOPED_TRACE(kind + " " + std::to_string(width) + " x " + std::to_string(height));
    const Mask mask = mask_of(kind, width, height);
    EXPECT_EQ(encode_rle(mask), (Rle{height, width, counts}));
    EXPECT_EQ(decode_rle({height, width, counts}), mask);
  }
  EXPECT_EQ(lines, 34);
}

TEST(CocoRleTest, NoiseComesBackAsItWas) {
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    Mask mask(1 + static_cast<int>(random() % 40), 1 + static_cast<int>(random() % 40));
    for (uint8_t& pixel : mask.pixels) pixel = random() % 4 == 0;
    EXPECT_EQ(decode_rle(encode_rle(mask)), mask);
  }
}

TEST(CocoRleTest, MaskWithoutPixelsIsOneEmptyRun) {
  EXPECT_EQ(encode_rle(Mask(5, 0)).counts, "0");
  EXPECT_EQ(decode_rle({0, 5, "0"}), Mask(5, 0));
}

TEST(CocoRleTest, DamagedTextIsAnError) {
  const Rle good = encode_rle(mask_of("disc", 13, 11));
  for (size_t size = 0; size < good.counts.size(); ++size) {
    EXPECT_THROW(decode_rle({11, 13, good.counts.substr(0, size)}), Error) << size;
  }
  EXPECT_THROW(decode_rle({11, 12, good.counts}), Error);
  EXPECT_THROW(decode_rle({-1, 4, ""}), Error);
  EXPECT_THROW(decode_rle({2, 2, " "}), Error);
  EXPECT_THROW(decode_rle({2, 2, "p"}), Error);
  EXPECT_THROW(decode_rle({2, 2, std::string(50, 'o')}), Error);
  EXPECT_THROW(decode_rle({2, 2, "N"}), Error);  // a run of -2
  EXPECT_THROW(decode_rle({1 << 20, 1 << 20, "0"}), Error);
}

TEST(MasksJsonTest, HasTheLayoutOfYoutubeVis) {
  MasksJson masks("clip.mp4", 13, 11);
  EXPECT_EQ(masks.add_object("the \"left\" cat"), 0);
  EXPECT_EQ(masks.add_object("bad \xff utf-8"), 1);
  masks.add(0, 2, mask_of("corner", 13, 11));
  masks.add(0, 0, mask_of("disc", 13, 11));
  const auto json = nlohmann::json::parse(masks.text(4));
  EXPECT_EQ(json["videos"][0]["length"], 4);
  EXPECT_EQ(json["categories"][0]["name"], "the \"left\" cat");
  const auto& cat = json["annotations"][0];
  EXPECT_EQ(cat["segmentations"].size(), 4u);
  EXPECT_EQ(cat["segmentations"][0]["size"], (std::vector<int>{11, 13}));
  EXPECT_EQ(cat["segmentations"][0]["counts"], encode_rle(mask_of("disc", 13, 11)).counts);
  EXPECT_TRUE(cat["segmentations"][1].is_null());
  EXPECT_EQ(cat["bboxes"][2], (std::vector<int>{12, 10, 1, 1}));
  EXPECT_EQ(cat["areas"][2], 1);
  EXPECT_TRUE(json["annotations"][1]["segmentations"][3].is_null());
  EXPECT_THROW(masks.add(2, 0, Mask(13, 11)), Error);
  EXPECT_THROW(masks.add(0, 0, Mask(11, 13)), Error);
}

}  // namespace
}  // namespace alref::outputs
