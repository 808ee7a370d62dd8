// SPDX-License-Identifier: Apache-2.0
#include "media/video_writer.h"

#include "alref/error.h"

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "media/audio_reader.h"
#include "media/media_testing.h"
#include "media/video_reader.h"

namespace alref::media {
namespace {

namespace fs = std::filesystem;
using testing::bytes_of;
using testing::ffmpeg;
using ::testing::HasSubstr;
using testing::run;
using testing::TempDir;

// Smooth, so that a lossy codec keeps it, and another one at each time.
Image picture(int width, int height, int t) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.row(y) + static_cast<ptrdiff_t>(x) * 3;
      pixel[0] = static_cast<uint8_t>(40 + x);
      pixel[1] = static_cast<uint8_t>(40 + y);
      pixel[2] = static_cast<uint8_t>(40 + 37 * t % 160);
    }
  }
  return image;
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return sum / static_cast<double>(a.pixels.size());
}

std::string probe(const std::string& path, const std::string& what) {
  std::string out =
      run("ffprobe -v error -count_frames -select_streams v:0 -show_entries stream=" + what +
          " -of csv=p=0 " + path);
  while (!out.empty() && (out.back() == '\n' || out.back() == ',')) out.pop_back();
  return out;
}

void write_clip(const std::string& path, int width, int height, int frames,
                const VideoWriterOptions& options = {}) {
  VideoWriter writer(path, width, height, options);
  for (int i = 0; i < frames; ++i) writer.write(picture(width, height, i), i / 25.0);
  writer.finish();
}

TEST(VideoWriterTest, FramesSizesAndTimesAreKept) {
  const TempDir dir;
  for (const auto& [width, height] : {std::pair{160, 96}, {161, 97}, {2, 2}, {1, 1}, {17, 64}}) {
    const std::string path = dir / "out.mp4";
    write_clip(path, width, height, 30);
    SCOPED_TRACE(probe(path, "codec_name,pix_fmt"));
    EXPECT_EQ(probe(path, "width,height,nb_read_frames"),
              std::to_string(width) + "," + std::to_string(height) + ",30");
    const auto video = open_video(path);
    ASSERT_EQ(video->frame_count(), 30);
    for (const int i : {0, 13, 29}) {
      // Neighbours differ by 12 or more; observed up to 6 (H.264 spends few bits on chroma in
      // 4:4:4).
      EXPECT_LT(mean_difference(*video->frame(i), picture(width, height, i)), 9) << i;
      EXPECT_NEAR(video->time(i), i / 25.0, 1e-4);
    }
  }
}

TEST(VideoWriterTest, VaryingTimesAreKept) {
  const TempDir dir;
  VideoWriter writer(dir / "out.mp4", 64, 48);
  for (int i = 0; i < 20; ++i) writer.write(picture(64, 48, i), 0.5 + i * i * 0.01);
  writer.finish();
  const auto video = open_video(dir / "out.mp4");
  ASSERT_EQ(video->frame_count(), 20);
  for (int i = 1; i < 20; ++i) EXPECT_NEAR(video->time(i) - video->time(0), i * i * 0.01, 1e-4);
}

TEST(VideoWriterTest, TheSameFramesGiveTheSameBytes) {
  const TempDir dir;
  ffmpeg("-f lavfi -i sine=d=1 -c:a aac " + dir / "tone.m4a");
  for (const char* name : {"a.mp4", "b.mp4"})
    write_clip(dir / name, 64, 48, 20, {.sound = dir / "tone.m4a"});
  EXPECT_EQ(bytes_of(dir / "a.mp4"), bytes_of(dir / "b.mp4"));
}

struct Sound {
  const char* name;
  const char* encoder;
  const char* expected;  // codec in the result
};

TEST(VideoWriterTest, SoundIsCopiedOrEncodedAnewAndStaysInPlace) {
  const TempDir dir;
  for (const Sound& sound : {Sound{"a.m4a", "-c:a aac", "aac"},
                             {"a.mp3", "-c:a libmp3lame", "mp3"},
                             {"a.wav", "-c:a pcm_s16le", "aac"},
                             {"a.flac", "-ac 6 -c:a flac", "aac"},
                             {"a.ts", "-c:a aac", "aac"},
                             {"a.wav", "-ar 11025 -c:a pcm_f32le", "aac"}}) {
    SCOPED_TRACE(sound.name);
    // A tone from 0.5 s on.
    ffmpeg("-f lavfi -i \"aevalsrc='0.5*sin(2*PI*500*t)*gte(t,0.5)':d=2\" " +
           std::string(sound.encoder) + " " + dir / sound.name);
    write_clip(dir / "out.mp4", 64, 48, 25, {.sound = dir / sound.name});
    const std::string codec =
        run("ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 " +
            dir / "out.mp4");
    EXPECT_THAT(codec, HasSubstr(sound.expected));
    EXPECT_EQ(open_video(dir / "out.mp4")->frame_count(), 25);
    const Waveform kept = read_audio(dir / "out.mp4");
    EXPECT_NEAR(kept.seconds(), 1.0, 0.12) << "it ends with the picture";
    size_t onset = 0;
    while (onset < kept.samples.size() && std::abs(kept.samples[onset]) < 0.2f) ++onset;
    EXPECT_NEAR(static_cast<double>(onset) / 16000, 0.5, 0.03);
  }
}

TEST(VideoWriterTest, SourceWithoutSoundGivesNone) {
  const TempDir dir;
  write_clip(dir / "mute.mp4", 64, 48, 5);
  write_clip(dir / "out.mp4", 64, 48, 5, {.sound = dir / "mute.mp4"});
  EXPECT_FALSE(has_audio(dir / "out.mp4"));
}

TEST(VideoWriterTest, AlphaComesThrough) {
  const TempDir dir;
  RgbaImage image(63, 47);
  for (int y = 0; y < 47; ++y) {
    for (int x = 0; x < 63; ++x) {
      uint8_t* pixel = image.row(y) + static_cast<ptrdiff_t>(x) * 4;
      pixel[0] = 200, pixel[1] = 100, pixel[2] = 50, pixel[3] = x < 30 ? 255 : 0;
    }
  }
  for (const auto& [kind, name, decoder] :
       {std::tuple{VideoKind::kMovAlpha, "out.mov", ""},
        {VideoKind::kWebmAlpha, "out.webm", "-c:v libvpx-vp9 "}}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(can_write(kind));
    const std::string path = dir / name;
    VideoWriter writer(path, 63, 47, {.kind = kind});
    for (int i = 0; i < 6; ++i) writer.write(image, i / 25.0);
    writer.finish();
    ffmpeg(decoder + ("-i " + path) + " -frames:v 1 -pix_fmt rgba " + dir / "frame.png");
    const RgbaImage frame = decode_png_rgba(bytes_of(dir / "frame.png"), "frame.png");
    ASSERT_EQ(frame.width, 63);
    ASSERT_EQ(frame.height, 47);
    EXPECT_GE(frame.row(20)[4 * 10 + 3], 250);
    EXPECT_LE(frame.row(20)[4 * 50 + 3], 5);
    EXPECT_NEAR(frame.row(20)[4 * 10], 200, 12);
    EXPECT_EQ(probe(path, "nb_read_frames"), "6");
  }
}

TEST(VideoWriterTest, NothingIsLeftWithoutFinish) {
  const TempDir dir;
  {
    VideoWriter writer(dir / "out.mp4", 64, 48);
    writer.write(picture(64, 48, 0), 0);
    EXPECT_FALSE(fs::exists(dir / "out.mp4"));
  }
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(VideoWriterTest, MisuseAndUnwritablePlacesAreErrors) {
  const TempDir dir;
  VideoWriter writer(dir / "out.mp4", 64, 48);
  writer.write(picture(64, 48, 0), 0);
  EXPECT_THROW(writer.write(picture(64, 48, 0), 0), Error);
  EXPECT_THROW(writer.write(picture(48, 64, 0), 1), Error);
  EXPECT_THROW(VideoWriter(dir / "x.mp4", 0, 48), Error);
  try {
    const VideoWriter nowhere(dir / "out.mp4.part/x.mp4", 64, 48);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  }
}

TEST(VideoWriterTest, FullDiskIsAnErrorThatNamesTheFile) {
  const TempDir dir;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tight = before;
  tight.rlim_cur = 20'000;
  setrlimit(RLIMIT_FSIZE, &tight);
  std::string what;
  try {
    VideoWriter writer(dir / "out.mov", 320, 240, {.kind = VideoKind::kMovAlpha});
    for (int i = 0; i < 50; ++i) writer.write(picture(320, 240, i), i / 25.0);
    writer.finish();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kOutput);
    what = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(what, HasSubstr("out.mov: cannot be written: File too large"));
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

}  // namespace
}  // namespace alref::media
