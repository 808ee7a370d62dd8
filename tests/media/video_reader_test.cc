// SPDX-License-Identifier: Apache-2.0
#include "media/video_reader.h"

#include "alref/error.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "media/media_testing.h"
#include "media/video_testing.h"

namespace alref::media {
namespace {

using testing::bytes_of;
using testing::ffmpeg;
using testing::frames_by_ffmpeg;
using testing::max_difference;
using testing::TempDir;

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
