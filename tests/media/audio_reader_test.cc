// SPDX-License-Identifier: Apache-2.0
#include "media/audio_reader.h"

#include "alref/error.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/media_testing.h"

namespace alref::media {
namespace {

using testing::ffmpeg;
using ::testing::HasSubstr;
using testing::LogCapture;
using testing::TempDir;
using testing::write_bytes;

// A WAV file of floats (format 3), so that every sample is what the test says.
void write_wav(const std::string& path, int rate, int channels, const std::vector<float>& samples) {
  std::vector<uint8_t> bytes;
  const auto text = [&](std::string_view letters) {
    for (const char letter : letters) bytes.push_back(static_cast<uint8_t>(letter));
  };
  const auto number = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  };
  const auto data = static_cast<uint32_t>(samples.size() * 4);
  text("RIFF"), number(36 + data, 4), text("WAVE"), text("fmt "), number(16, 4), number(3, 2);
  number(static_cast<uint32_t>(channels), 2), number(static_cast<uint32_t>(rate), 4);
  number(static_cast<uint32_t>(rate * channels * 4), 4),
      number(static_cast<uint32_t>(channels * 4), 2);
  number(32, 2), text("data"), number(data, 4);
  for (const float sample : samples) {
    uint32_t bits = 0;
    std::memcpy(&bits, &sample, 4);
    number(bits, 4);
  }
  write_bytes(path, bytes);
}

std::string what_of(const std::string& path, const AudioOptions& options = {}) {
  try {
    read_audio(path, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  ADD_FAILURE() << path << " was read";
  return "";
}

TEST(AudioReaderTest, SixteenKilohertzMonoComesThroughUnchanged) {
  const TempDir dir;
  const std::vector<float> samples = {0.5f, -0.25f, 0.125f, 1.0f, -1.0f};
  write_wav(dir / "a.wav", 16000, 1, samples);
  const Waveform sound = read_audio(dir / "a.wav");
  EXPECT_EQ(sound.samples, samples);
  EXPECT_EQ(sound.sample_rate, 16000);
  EXPECT_EQ(sound.channels, 1);
}

TEST(AudioReaderTest, OneSampleIsASound) {
  const TempDir dir;
  write_wav(dir / "a.wav", 16000, 1, {0.5f});
  EXPECT_EQ(read_audio(dir / "a.wav").samples, std::vector<float>{0.5f});
}

TEST(AudioReaderTest, ChannelsAreAveraged) {
  const TempDir dir;
  for (const int channels : {2, 3, 6, 8}) {
    std::vector<float> samples(static_cast<size_t>(channels));
    for (int c = 0; c < channels; ++c) samples[c] = 0.1f * static_cast<float>(c);
    write_wav(dir / "a.wav", 16000, channels, samples);
    const Waveform sound = read_audio(dir / "a.wav");
    ASSERT_EQ(sound.samples.size(), 1u) << channels;
    EXPECT_NEAR(sound.samples[0], 0.1f * static_cast<float>(channels - 1) / 2, 1e-6);
  }
}

TEST(AudioReaderTest, OtherRatesAreResampled) {
  const TempDir dir;
  for (const int rate : {8000, 11025, 44100, 48000, 96000}) {
    std::vector<float> tone(static_cast<size_t>(rate));
    for (size_t i = 0; i < tone.size(); ++i) {
      tone[i] = static_cast<float>(
          0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / rate));
    }
    write_wav(dir / "a.wav", rate, 1, tone);
    const Waveform sound = read_audio(dir / "a.wav");
    EXPECT_NEAR(static_cast<double>(sound.samples.size()), 16000, 32) << rate;
    // Away from the ends the tone is that of the formula; libswresample's filter ripples by less
    // than 1 %.
    for (size_t i = 2000; i < 14000; ++i) {
      ASSERT_NEAR(sound.samples[i],
                  0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16000), 5e-3)
          << rate << " at " << i;
    }
  }
}

TEST(AudioReaderTest, EverySampleFormatIsScaledToOne) {
  const TempDir dir;
  for (const std::string codec : {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f64le"}) {
    write_wav(dir / "a.wav", 16000, 1, {-1, -0.5f, 0, 0.5f});
    ffmpeg("-i " + dir / "a.wav" + " -c:a " + codec + " " + dir / "b.wav");
    const Waveform sound = read_audio(dir / "b.wav");
    ASSERT_EQ(sound.samples.size(), 4u) << codec;
    const double step = codec == "pcm_u8" ? 1 / 64.0 : 1 / 16384.0;  // and ffmpeg's own rounding
    for (size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(sound.samples[i], -1 + 0.5 * static_cast<double>(i), step);
  }
}

TEST(AudioReaderTest, WindowsGiveTheSamplesOfTheWhole) {
  const TempDir dir;
  ffmpeg("-f lavfi -i 'anoisesrc=d=3:r=44100:seed=5' -ac 2 -c:a aac " + dir / "a.m4a");
  const Waveform whole = read_audio(dir / "a.m4a");
  ASSERT_GT(whole.samples.size(), 40000u);
  AudioReader reader(dir / "a.m4a");
  const auto expect_window = [&](size_t first, size_t count) {
    const Waveform window = reader.window(static_cast<int64_t>(first), count);
    const size_t end = std::min(first + count, whole.samples.size());
    ASSERT_EQ(window.samples.size(), end - std::min(first, end));
    for (size_t i = 0; i < window.samples.size(); ++i) {
      ASSERT_EQ(window.samples[i], whole.samples[first + i]) << first + i;
    }
  };
  expect_window(0, 16000);
  expect_window(8000, 16000);
  expect_window(30000, 100);
  expect_window(4, 1000);
  expect_window(whole.samples.size() - 10, 1000);
  expect_window(whole.samples.size() + 10, 1000);
}

TEST(AudioReaderTest, TrackThatBeginsLateStartsWithSilence) {
  const TempDir dir;
  ffmpeg(
      "-f lavfi -i testsrc2=size=64x64:rate=25:d=3 -itsoffset 1 -f lavfi -i 'sine=d=1' "
      "-c:v libx264 -preset ultrafast -c:a pcm_s16le " +
      dir / "late.mkv");
  const Waveform sound = read_audio(dir / "late.mkv");
  EXPECT_NEAR(sound.seconds(), 2, 0.06);
  for (size_t i = 0; i < 15000; ++i) ASSERT_EQ(sound.samples[i], 0) << i;
  double energy = 0;
  for (size_t i = 17000; i < 31000; ++i) energy += std::abs(sound.samples[i]);
  EXPECT_GT(energy, 100);
}

// More than a part of two seconds at a time, which the fuzz target's limit hardly reaches.
TEST(AudioReaderTest, AGapOfMinutesIsSilence) {
  constexpr int64_t kBegin = 150 * 16000;
  const TempDir dir;
  ffmpeg(
      "-f lavfi -i testsrc2=size=64x64:rate=25:d=3 -itsoffset 150 -f lavfi -i 'sine=d=1' "
      "-c:v libx264 -preset ultrafast -c:a pcm_s16le " +
      dir / "gap.mkv");
  AudioReader reader(dir / "gap.mkv");
  for (const int64_t first : {int64_t{0}, kBegin / 2, kBegin - 17000}) {
    const std::vector<float> silent = reader.window(first, 16000).samples;
    EXPECT_EQ(silent, std::vector<float>(16000)) << first;
  }
  const std::vector<float> heard = reader.window(kBegin, 48000).samples;
  EXPECT_NEAR(static_cast<double>(heard.size()), 16000, 100);
  double energy = 0;
  for (const float sample : heard) energy += std::abs(sample);
  EXPECT_GT(energy, 100);
}

TEST(AudioReaderTest, SamplesThatAreNotNumbersCountAsSilence) {
  const TempDir dir;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  write_wav(dir / "a.wav", 16000, 1, {0.5f, nan, infinity, -0.5f, 3e38f, -3e38f});
  const LogCapture log;
  EXPECT_EQ(read_audio(dir / "a.wav").samples, (std::vector<float>{0.5f, 0, 0, -0.5f, 0, 0}));
  EXPECT_THAT(log.text, HasSubstr("a.wav: holds samples that are not finite"));
}

TEST(AudioReaderTest, WithoutSoundThereAreClearWords) {
  const TempDir dir;
  ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 5 -c:v libx264 -preset ultrafast " +
         dir / "mute.mp4");
  EXPECT_EQ(what_of(dir / "mute.mp4"), dir / "mute.mp4: has no sound track");
  EXPECT_FALSE(has_audio(dir / "mute.mp4"));
  EXPECT_THAT(what_of(dir / "absent.wav"), HasSubstr("absent.wav: cannot be read: No such file"));
  write_bytes(dir / "text.wav", std::vector<uint8_t>(999, 'x'));
  EXPECT_THAT(what_of(dir / "text.wav"), HasSubstr("text.wav: cannot be read"));
  write_wav(dir / "none.wav", 16000, 1, {});
  EXPECT_THAT(what_of(dir / "none.wav"), HasSubstr("none.wav"));
}

TEST(AudioReaderTest, RatesThatNothingRecordsAtAreRefused) {
  const TempDir dir;
  write_wav(dir / "a.wav", 268414020, 1, std::vector<float>(100));
  EXPECT_THAT(what_of(dir / "a.wav"), HasSubstr("a sound track of 268414020 samples a second"));
}

TEST(AudioReaderTest, LengthIsLimited) {
  const TempDir dir;
  write_wav(dir / "a.wav", 8000, 1, std::vector<float>(24000));
  EXPECT_THAT(what_of(dir / "a.wav", {.max_seconds = 2}), HasSubstr("longer than the 2 seconds"));
  EXPECT_EQ(AudioReader(dir / "a.wav").declared_seconds(), 3);
  EXPECT_TRUE(has_audio(dir / "a.wav"));
}

}  // namespace
}  // namespace alref::media
