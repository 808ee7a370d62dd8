// SPDX-License-Identifier: Apache-2.0
#include "media/video_reader.h"

#include "alref/error.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "media/image_folder.h"
#include "media/media_testing.h"

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

// A moving picture in which no two frames are alike.
const char kPicture[] = "-f lavfi -i testsrc2=size=160x96:rate=25 -frames:v 60 ";

ErrorKind kind_of_opening(const std::string& path, const VideoOptions& options, std::string& what) {
  try {
    open_video(path, options);
  } catch (const Error& error) {
    what = error.what();
    return error.kind();
  }
  ADD_FAILURE() << path << " was opened";
  return ErrorKind::kUnavailable;
}

void expect_unreadable(const std::string& path, const std::string& words,
                       const VideoOptions& options = {}) {
  std::string what;
  EXPECT_EQ(kind_of_opening(path, options, what), ErrorKind::kInput);
  EXPECT_THAT(what, HasSubstr(words));
  EXPECT_EQ(what.find('\n'), std::string::npos);
}

// The oracle is the ffmpeg program's own sequential decode; both convert colours with libswscale,
// so that frames are equal.
void expect_frames_as_ffmpeg_gives(const std::string& path, const VideoOptions& options = {}) {
  SCOPED_TRACE(path);
  const auto video = open_video(path, options);
  const std::vector<Image> expected = frames_by_ffmpeg(path, video->width(), video->height());
  ASSERT_FALSE(expected.empty());
  const int count = static_cast<int>(expected.size());
  ASSERT_EQ(video->frame_count(), count);

  const auto expect_frame = [&](FrameSource& source, int i) {
    const auto frame = source.frame(i);
    ASSERT_NE(frame, nullptr) << i;
    EXPECT_EQ(max_difference(*frame, expected[static_cast<size_t>(i)]), 0) << "frame " << i;
  };
  for (int i = 0; i < count; ++i) expect_frame(*video, i);
  EXPECT_EQ(video->frame(count), nullptr);
  for (int i = count - 1; i >= 0; --i) expect_frame(*video, i);

  std::vector<int> order(expected.size());
  for (int i = 0; i < count; ++i) order[static_cast<size_t>(i)] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  const auto fresh = open_video(path, options);
  for (int i : order) expect_frame(*fresh, i);
  for (int i = 1; i < count; ++i) EXPECT_GT(video->time(i), video->time(i - 1));
}

struct Format {
  const char* name;
  const char* arguments;
};

class FormatsTest : public ::testing::TestWithParam<Format> {};

TEST_P(FormatsTest, EveryFrameInAnyOrderIsThatOfASequentialDecode) {
  const TempDir dir;
  const std::string path = dir / GetParam().name;
  ffmpeg(kPicture + std::string(GetParam().arguments) + " " + path);
  expect_frames_as_ffmpeg_gives(path);
}

INSTANTIATE_TEST_SUITE_P(
    All, FormatsTest,
    ::testing::Values(
        Format{"b-frames.mp4", "-c:v libx264 -preset fast -g 12 -bf 3 -pix_fmt yuv420p"},
        Format{"one-gop.mp4", "-c:v libx264 -preset ultrafast -g 1000 -bf 2 -pix_fmt yuv420p"},
        Format{"open-gop.mkv",
               "-c:v libx264 -preset fast -x264-params keyint=10:open-gop=1:bframes=3 -pix_fmt "
               "yuv420p"},
        Format{"h264.ts", "-c:v libx264 -preset fast -g 10 -bf 3 -pix_fmt yuv420p"},
        Format{"raw.h264", "-c:v libx264 -preset fast -g 10 -bf 3 -pix_fmt yuv420p"},
        Format{"refresh.ts",
               "-c:v libx264 -preset fast -x264-params keyint=10:intra-refresh=1 -pix_fmt yuv420p"},
        Format{"hevc.mp4",
               "-c:v libx265 -x265-params log-level=none:keyint=15 -pix_fmt yuv420p10le"},
        Format{"b-frames.avi", "-c:v mpeg4 -g 12 -bf 2 -q:v 3"},
        Format{"mpeg2.mpg", "-c:v mpeg2video -g 12 -bf 2 -q:v 3"},
        Format{
            "vp8.webm",
            "-c:v libvpx -g 20 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16"},
        Format{"vp9.webm",
               "-c:v libvpx-vp9 -g 20 -deadline realtime -cpu-used 8 -auto-alt-ref 1 "
               "-lag-in-frames 16"},
        Format{"motion.mjpeg", "-c:v mjpeg -q:v 3"}, Format{"jpeg.mov", "-c:v mjpeg -q:v 3"},
        Format{"lossless.mkv", "-c:v ffv1 -g 5"}, Format{"palette.gif", ""},
        Format{"uncompressed.avi", "-c:v rawvideo -pix_fmt bgr24"},
        Format{"odd.mkv", "-vf scale=53:37 -c:v ffv1 -pix_fmt yuv444p"},
        Format{"pixel.mkv", "-vf scale=1:1 -c:v ffv1 -pix_fmt yuv444p"},
        Format{"single.mp4", "-frames:v 1 -c:v libx264 -pix_fmt yuv420p"}),
    [](const auto& test) {
      std::string name = test.param.name;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name;
    });

TEST(VideoReaderTest, RotationInTheMetadataIsApplied) {
  const TempDir dir;
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -g 10 -pix_fmt yuv420p ") +
         dir / "plain.mp4");
  for (const int angle : {90, 180, 270}) {
    const std::string path = dir / "rotated.mp4";
    ffmpeg("-i " + dir / "plain.mp4" + " -c copy -metadata:s:v:0 rotate=" + std::to_string(angle) +
           " " + path);
    const auto video = open_video(path);
    EXPECT_EQ(video->width(), angle == 180 ? 160 : 96);
    EXPECT_EQ(video->height(), angle == 180 ? 96 : 160);
    expect_frames_as_ffmpeg_gives(path);
  }
}

TEST(VideoReaderTest, VariableFrameRateKeepsEveryFrameAndItsTime) {
  const TempDir dir;
  const std::string path = dir / "varying.mp4";
  // Frame n is shown at (n + n^2 / 10) / 25 s: intervals grow from 0.04 to about 0.5 s.
  ffmpeg(
      kPicture +
      std::string(
          "-vf \"settb=1/1000,setpts='(N+N*N/10)/25/TB'\" -vsync passthrough -enc_time_base 1/1000 "
          "-video_track_timescale 1000 -c:v libx264 -preset fast -g 12 -bf 2 "
          "-pix_fmt yuv420p ") +
      path);
  expect_frames_as_ffmpeg_gives(path);
  const auto video = open_video(path);
  ASSERT_EQ(video->frame_count(), 60);
  for (int n : {0, 1, 10, 59}) EXPECT_NEAR(video->time(n), (n + n * n / 10.0) / 25, 2e-3) << n;
  EXPECT_NEAR(video->frame_rate(), 59 / ((59 + 59 * 59 / 10.0) / 25), 0.01);
}

TEST(VideoReaderTest, ClipCutWithoutReencodingLeavesOutWhatTheEditListHides) {
  const TempDir dir;
  ffmpeg(kPicture + std::string("-c:v libx264 -preset fast -g 12 -bf 3 -pix_fmt yuv420p ") +
         dir / "whole.mp4");
  ffmpeg("-ss 0.68 -i " + dir / "whole.mp4" + " -c copy " + dir / "cut.mp4");
  expect_frames_as_ffmpeg_gives(dir / "cut.mp4");
  ffmpeg("-ss 0.68 -i " + dir / "whole.mp4" + " -c copy " + dir / "cut.ts");
  expect_frames_as_ffmpeg_gives(dir / "cut.ts");
}

TEST(VideoReaderTest, ReadingBackwardsWithLittleMemoryGivesTheSameFrames) {
  const TempDir dir;
  const std::string path = dir / "one-gop.mp4";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -g 1000 -pix_fmt yuv420p ") + path);
  expect_frames_as_ffmpeg_gives(path, {.kept_frames = 1, .kept_bytes = 100'000});
  expect_frames_as_ffmpeg_gives(path, {.kept_frames = 1, .kept_bytes = 0});
}

TEST(VideoReaderTest, TheSoundsOwnStartShiftsTimes) {
  const TempDir dir;
  const std::string path = dir / "late.mkv";
  ffmpeg(
      "-f lavfi -i testsrc2=size=64x64:rate=25:d=1 -itsoffset -0.5 -f lavfi -i sine=d=2 "
      "-c:v libx264 -preset ultrafast -c:a pcm_s16le " +
      path);
  EXPECT_NEAR(open_video(path)->time(0), 0.5, 0.03);
}

TEST(VideoReaderTest, TruncatedMatroskaGivesTheFramesThereAre) {
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

TEST(VideoReaderTest, TruncatedMp4WithItsTableInFrontWarnsAndGivesTheFramesThereAre) {
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

TEST(VideoReaderTest, DamageInTheMiddleIsBridgedAlikeInEveryOrder) {
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
  for (int i = 0; i < count; ++i) frames.push_back(*forwards->frame(i));
  for (int i = count - 1; i >= 0; --i) ASSERT_NE(forwards->frame(i), nullptr);
  EXPECT_NE(max_difference(frames.front(), frames.back()), 0);
}

TEST(VideoReaderTest, TruncationAtEveryStepGivesFramesOrAnError) {
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

TEST(VideoReaderTest, WhatIsNoVideoIsAnInputErrorThatSaysWhy) {
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

TEST(VideoReaderTest, LimitsAreErrorsThatNameThem) {
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

TEST(VideoReaderTest, PlaylistsOpenNothing) {
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

TEST(VideoReaderTest, NamesAreNotUrlsNorShellWords) {
  const TempDir dir;
  const std::string path = dir / "http:$(touch pwned) 'a\" %d.mp4";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -pix_fmt yuv420p ") +
         dir / "plain.mp4");
  write_bytes(path, bytes_of(dir / "plain.mp4"));
  EXPECT_EQ(open_video(path)->frame_count(), 60);
}

TEST(VideoReaderTest, FolderIsReadInNaturalOrder) {
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

TEST(VideoReaderTest, FolderWithoutFramesOrWithTwoSizesIsAnError) {
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

TEST(VideoReaderTest, OneImageIsOneFrame) {
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

// Writes the file into a named pipe while the test reads it.
class PipeTest : public ::testing::Test {
 protected:
  void feed(const std::string& from) {
    ASSERT_EQ(mkfifo((dir_ / "pipe").c_str(), 0600), 0);
    std::signal(SIGPIPE, SIG_IGN);  // the reader may have enough before the end
    writer_ = std::thread([bytes = bytes_of(from), to = dir_ / "pipe"] {
      std::ofstream(to, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    });
  }
  ~PipeTest() override {
    if (writer_.joinable()) writer_.join();
  }
  TempDir dir_;
  std::thread writer_;
};

TEST_F(PipeTest, StreamGivesEachFrameOnceAndKeepsAFew) {
  const std::string path = dir_ / "clip.mkv";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset fast -g 12 -bf 2 -pix_fmt yuv420p ") + path);
  const std::vector<Image> expected = frames_by_ffmpeg(path, 160, 96);
  feed(path);
  const auto video = open_video(dir_ / "pipe", {.kept_frames = 4});
  EXPECT_FALSE(video->seekable());
  EXPECT_EQ(video->frame_count(), std::nullopt);
  for (int i = 0; i < 60; ++i) {
    const auto frame = video->frame(i);
    ASSERT_NE(frame, nullptr);
    EXPECT_EQ(max_difference(*frame, expected[static_cast<size_t>(i)]), 0) << i;
    EXPECT_NEAR(video->time(i), i / 25.0, 2e-3);
  }
  EXPECT_EQ(video->frame(60), nullptr);
  EXPECT_EQ(video->frame_count(), 60);
  EXPECT_NE(video->frame(56), nullptr);
  EXPECT_THROW(video->frame(55), Error);
}

TEST_F(PipeTest, StreamKeepsToItsLimits) {
  const std::string path = dir_ / "clip.mkv";
  ffmpeg(kPicture + std::string("-c:v libx264 -preset ultrafast -pix_fmt yuv420p ") + path);
  feed(path);
  const auto video = open_video(dir_ / "pipe", {.max_frames = 10});
  for (int i = 0; i < 10; ++i) ASSERT_NE(video->frame(i), nullptr);
  EXPECT_THROW(video->frame(10), Error);
}

}  // namespace
}  // namespace alref::media
