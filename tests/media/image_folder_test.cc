// SPDX-License-Identifier: Apache-2.0
#include "media/image_folder.h"

#include "alref/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/image_io.h"
#include "media/media_testing.h"
#include "media/video_reader.h"
#include "media/video_testing.h"

namespace alref::media {
namespace {

using testing::ffmpeg;
using ::testing::HasSubstr;
using testing::max_difference;
using testing::TempDir;
using testing::write_bytes;

TEST(ImageFolderTest, FolderIsReadInNaturalOrder) {
  const TempDir dir;
  ffmpeg(kPicture + std::string("-frames:v 12 -start_number 1 ") + dir / "%d.png");
  write_bytes(dir / "notes.txt", {'x'});
  const auto video = open_video(dir.path());
  ASSERT_EQ(video->frame_count(), 12);
  EXPECT_TRUE(video->seekable());
  for (int i : {0, 1, 9, 11, 2}) {
    const auto expected = read_image(dir / (std::to_string(i + 1) + ".png"));
    EXPECT_EQ(max_difference(*video->frame(i), expected), 0);
  }
  EXPECT_EQ(video->frame(12), nullptr);
}

TEST(ImageFolderTest, FolderWithoutFramesOrWithTwoSizesIsAnError) {
  const TempDir dir;
  expect_unreadable(dir.path(), "a folder without");
  ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 1 " + dir / "0.png");
  ffmpeg("-f lavfi -i testsrc2=size=64x32 -frames:v 1 " + dir / "1.jpg");
  const auto video = open_video(dir.path());
  EXPECT_NE(video->frame(0), nullptr);
  try {
    video->frame(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("1.jpg: 64 x 32 pixels, expected 64 x 64"));
  }
}

TEST(ImageFolderTest, OneImageIsOneFrame) {
  const TempDir dir;
  ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 1 -vf scale=61:47,format=yuvj444p " +
         dir / "still.jpg");
  const auto video = open_video(dir / "still.jpg");
  EXPECT_EQ(video->frame_count(), 1);
  EXPECT_EQ(video->width(), 61);
  EXPECT_EQ(video->height(), 47);
  EXPECT_EQ(video->frame(1), nullptr);
}

TEST(NaturalLessTest, ComparesRunsOfDigitsAsNumbers) {
  EXPECT_TRUE(natural_less("2.jpg", "10.jpg"));
  EXPECT_TRUE(natural_less("a9b10", "a9b11"));
  EXPECT_TRUE(natural_less("frame0009", "frame10"));
  EXPECT_FALSE(natural_less("10", "9"));
  EXPECT_TRUE(natural_less("99999999999999999999998", "99999999999999999999999"));
  EXPECT_FALSE(natural_less("7", "7"));
  EXPECT_NE(natural_less("07", "7"), natural_less("7", "07"));
}

}  // namespace
}  // namespace alref::media
