// SPDX-License-Identifier: Apache-2.0
// What no video reader should trip over: files that end early, are damaged, are no videos, are too
// large or have odd names.
#include "alref/error.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/media_testing.h"
#include "media/video_reader.h"
#include "media/video_testing.h"

namespace alref::media {
namespace {

using testing::bytes_of;
using testing::ffmpeg;
using testing::frames_by_ffmpeg;
using ::testing::HasSubstr;
using testing::LogCapture;
using testing::max_difference;
using testing::TempDir;
using testing::write_bytes;

TEST(VideoDamageTest, TruncatedMatroskaGivesTheFramesThereAre) {
  const TempDir dir;
  const std::string path = dir / "whole.mkv";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset fast -g 12 -pix_fmt yuv420p ") + path);
  std::vector<uint8_t> bytes = bytes_of(path);
  bytes.resize(bytes.size() / 2);
  write_bytes(dir / "half.mkv", bytes);

  const auto video = open_video(dir / "half.mkv");
  const std::vector<Image> expected = frames_by_ffmpeg(path, 160, 96);
  ASSERT_GT(*video->frame_count(), 5);
  ASSERT_LT(*video->frame_count(), 60);
  for (int i = 0; i < *video->frame_count(); ++i) {
    EXPECT_NE(video->frame(i), nullptr);
    if (i >= 12) continue;
    EXPECT_EQ(max_difference(*video->frame(i), expected[static_cast<size_t>(i)]), 0);
  }
}

TEST(VideoDamageTest, TruncatedMp4WithItsTableInFrontWarnsAndGivesTheFramesThereAre) {
  const TempDir dir;
  const std::string path = dir / "whole.mp4";
  ffmpeg(kPicture +
         std::string("-c:v libx264 -preset fast -g 12 -pix_fmt yuv420p -movflags +faststart ") +
         path);
  std::vector<uint8_t> bytes = bytes_of(path);
  bytes.resize(bytes.size() / 2);
  write_bytes(dir / "half.mp4", bytes);

  const LogCapture log;
  const auto video = open_video(dir / "half.mp4");
  ASSERT_GT(*video->frame_count(), 5);
  ASSERT_LT(*video->frame_count(), 60);
  EXPECT_THAT(log.text, HasSubstr("half.mp4"));
  EXPECT_THAT(log.text, HasSubstr("frames"));
  for (int i = 0; i < *video->frame_count(); ++i) EXPECT_NE(video->frame(i), nullptr);
}

TEST(VideoDamageTest, DamageInTheMiddleIsBridgedAlikeInEveryOrder) {
  const TempDir dir;
  const std::string path = dir / "damaged.mkv";
  ffmpeg(kPicture + std::string("-c:v libvpx-vp9 -g 10 -deadline realtime -cpu-used 8 ") + path);
  std::vector<uint8_t> bytes = bytes_of(path);
  std::mt19937 random(3);
  for (size_t i = bytes.size() / 3; i < bytes.size() / 3 + 2000 && i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(random());
  }
  write_bytes(path, bytes);

  const LogCapture log;
  const auto forwards = open_video(path);
  const int count = *forwards->frame_count();
  ASSERT_GT(count, 10);
  std::vector<Image> frames;
  frames.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) frames.push_back(*forwards->frame(i));
  for (int i = count - 1; i >= 0; --i) ASSERT_NE(forwards->frame(i), nullptr);
  EXPECT_NE(max_difference(frames.front(), frames.back()), 0);
}

TEST(VideoDamageTest, TruncationAtEveryStepGivesFramesOrAnError) {
  const TempDir dir;
  const std::string path = dir / "whole.mp4";
  ffmpeg(
      "-f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 12 -c:v libx264 -preset ultrafast -g 4 "
      "-pix_fmt yuv420p -movflags +faststart " +
      path);
  const std::vector<uint8_t> bytes = bytes_of(path);
  int opened = 0;
  for (size_t size = 0; size < bytes.size(); size += bytes.size() / 60) {
    write_bytes(dir / "cut.mp4", {bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)});
    try {
      const auto video = open_video(dir / "cut.mp4");
      ++opened;
      for (int i = 0; i < *video->frame_count(); ++i) EXPECT_NE(video->frame(i), nullptr);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput) << error.what();
    }
  }
  EXPECT_GT(opened, 10);
}

TEST(VideoDamageTest, WhatIsNoVideoIsAnInputErrorThatSaysWhy) {
  const TempDir dir;
  expect_unreadable(dir / "absent.mp4", "absent.mp4: No such file");
  write_bytes(dir / "empty.mp4", {});
  expect_unreadable(dir / "empty.mp4", "is empty");
  write_bytes(dir / "text.mp4", std::vector<uint8_t>(5000, 'a'));
  expect_unreadable(dir / "text.mp4", "text.mp4: cannot be read");
  ffmpeg("-f lavfi -i sine=d=1 " + dir / "sound.wav");
  expect_unreadable(dir / "sound.wav", "no video track, only sound");
  ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 1 " + dir / "cover.png");
  ffmpeg("-f lavfi -i sine=d=1 -i " + dir / "cover.png" +
         " -map 0 -map 1 -c:v copy -disposition:v attached_pic " + dir / "song.mp3");
  expect_unreadable(dir / "song.mp3", "no video track, only sound");
  ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 0 -c:v libx264 " +
         dir / "none.mp4 2>/dev/null || true");
  write_bytes(dir / "none.y4m", {'Y', 'U', 'V', '4', 'M', 'P', 'E', 'G', '2', ' ', 'W',
                                 '8', ' ', 'H', '8', ' ', 'F', '2', '5', ':', '1', '\n'});
  expect_unreadable(dir / "none.y4m", "none.y4m");
}

TEST(VideoDamageTest, LimitsAreErrorsThatNameThem) {
  const TempDir dir;
  const std::string path = dir / "clip.mp4";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -pix_fmt yuv420p ") + path);
  expect_unreadable(path, "at most 1000 are allowed", {.max_pixels = 1000});
  expect_unreadable(path, "more than the 59 frames", {.max_frames = 59});
  expect_unreadable(path, "longer than the 2 seconds", {.max_seconds = 2});
  EXPECT_EQ(
      open_video(path, {.max_pixels = 160 * 96, .max_frames = 60, .max_seconds = 3})->frame_count(),
      60);
}

TEST(VideoDamageTest, PlaylistsOpenNothing) {
  const TempDir dir;
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -pix_fmt yuv420p ") +
         dir / "part.ts");
  const std::string playlist =
      "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.4,\n" + dir / "part.ts" + "\n#EXT-X-ENDLIST\n";
  write_bytes(dir / "list.m3u8", {playlist.begin(), playlist.end()});
  expect_unreadable(dir / "list.m3u8", "list.m3u8");
  const std::string concat = "ffconcat version 1.0\nfile part.ts\n";
  write_bytes(dir / "list.ffconcat", {concat.begin(), concat.end()});
  expect_unreadable(dir / "list.ffconcat", "list.ffconcat");
}

TEST(VideoDamageTest, NamesAreNotUrlsNorShellWords) {
  const TempDir dir;
  const std::string path = dir / "http:$(touch pwned) 'a\" %d.mp4";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -pix_fmt yuv420p ") +
         dir / "plain.mp4");
  write_bytes(path, bytes_of(dir / "plain.mp4"));
  EXPECT_EQ(open_video(path)->frame_count(), 60);
}

}  // namespace
}  // namespace alref::media
