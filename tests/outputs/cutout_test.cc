// SPDX-License-Identifier: Apache-2.0
#include "outputs/cutout.h"

#include "alref/error.h"

#include <gtest/gtest.h>

#include "media/media_testing.h"

namespace alref::outputs {
namespace {

TEST(CutoutTest, KeepsWhatTheMaskHolds) {
  Image frame(2, 1);
  frame.pixels = {1, 2, 3, 4, 5, 6};
  Mask mask(2, 1);
  mask.pixels = {0, 1};
  EXPECT_EQ(cut_out(frame, mask).pixels, (std::vector<uint8_t>{0, 0, 0, 0, 4, 5, 6, 255}));
  EXPECT_EQ(cut_out(frame, Mask()).pixels, std::vector<uint8_t>(8, 0));
  EXPECT_THROW(cut_out(frame, Mask(1, 2)), Error);
}

TEST(CutoutTest, IsWrittenWithAlpha) {
  const testing::TempDir dir;
  EXPECT_EQ(cutout_path("out", 3, 21), "out/cutout/3/00021.png");
  Image frame(5, 4);
  frame.pixels.assign(frame.pixels.size(), 77);
  Mask mask(5, 4);
  mask.row(2)[3] = 1;
  const std::string path = cutout_path(dir.path(), 0, 1);
  write_cutout_png(path, frame, mask);
  const auto bytes = testing::bytes_of(path);
  EXPECT_EQ(media::decode_png_rgba(bytes, path).pixels, cut_out(frame, mask).pixels);
}

}  // namespace
}  // namespace alref::outputs
