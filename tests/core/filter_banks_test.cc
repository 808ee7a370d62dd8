// SPDX-License-Identifier: Apache-2.0
#include "core/filter_banks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "core/filter_bank_goldens.h"

namespace alref {
namespace {

constexpr int kRate = 16000;
constexpr size_t kSamples = kRate / 2;
// Ours runs in double, as torchaudio did for the goldens of 128 bins; Kaldi runs in float.
// Logarithms of energies from 1e-7 to 1e13.
constexpr float kTolerance = 1e-4f;
// Of 112 bins of speech, whose lowest bin is 10^6 times weaker than others, so that Kaldi's own
// rounding shows: observed 1.8e-4 from Kaldi, where torchaudio in float is 8e-4 from Kaldi, and in
// double 4e-5 from ours.
constexpr float kSpeechTolerance112 = 3e-4f;

// The sounds of make_filter_bank_goldens.py.
std::vector<float> scaled(const std::vector<double>& samples) {
  std::vector<float> result;
  result.reserve(samples.size());
  for (double s : samples) result.push_back(static_cast<float>(s * 32768));
  return result;
}

// In [-1, 1).
std::vector<double> noise() {
  std::vector<double> samples;
  uint64_t state = 1;
  for (size_t t = 0; t < kSamples; ++t) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    samples.push_back(static_cast<double>(state >> 33) / (1 << 30) - 1);
  }
  return samples;
}

std::vector<double> music() {
  std::vector<double> samples = noise();
  for (size_t t = 0; t < kSamples; ++t) {
    double sum = 0;
    int k = 0;
    for (double f : {220, 440, 660, 1320})
      sum += std::sin(2 * std::numbers::pi * t / kRate * f) / ++k;
    samples[t] = samples[t] * 0.03 + sum * 0.3;
  }
  return samples;
}

std::vector<double> clipped() {
  std::vector<double> samples = music();
  for (double& s : samples) s = std::clamp(s * 8, -1.0, 1.0);
  return samples;
}

std::vector<double> speech() {
  std::vector<double> samples = noise();
  for (size_t t = 0; t < kSamples; ++t) {
    const double pulse =
        t % 133 < 3 ? std::abs(std::sin(2 * std::numbers::pi * t / kRate * 3)) * 0.8 : 0;
    samples[t] = pulse + samples[t] * 0.01;
  }
  return samples;
}

void expect_every_tenth_frame(const std::vector<double>& sound, const std::vector<float>& expected,
                              int bins, FilterBankOptions::Window window, float tolerance) {
  const FilterBanks banks({.sample_rate = kRate, .bins = bins, .window = window});
  const std::vector<float> got = banks(scaled(sound));
  ASSERT_EQ(got.size(), 48u * bins);
  float largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const size_t frame = i / bins * 10, bin = i % bins;
    largest = std::max(largest, std::abs(got[frame * bins + bin] - expected[i]));
  }
  EXPECT_LE(largest, tolerance) << bins << " bins";
}

void expect_all(const std::vector<double>& sound, const std::vector<float>& povey,
                const std::vector<float>& hanning, const std::vector<float>& few,
                float tolerance112 = kTolerance) {
  expect_every_tenth_frame(sound, povey, 128, FilterBankOptions::Window::kPovey, kTolerance);
  expect_every_tenth_frame(sound, hanning, 112, FilterBankOptions::Window::kHanning, tolerance112);
  expect_every_tenth_frame(sound, few, 64, FilterBankOptions::Window::kPovey, kTolerance);
}

TEST(FilterBanksTest, OfMusicEqualTheOfficialOnes) {
  expect_all(music(), kMusic128, kMusic112, kMusic64);
}
TEST(FilterBanksTest, OfSpeechEqualTheOfficialOnes) {
  expect_all(speech(), kSpeech128, kSpeech112, kSpeech64, kSpeechTolerance112);
}
TEST(FilterBanksTest, OfClippedSoundEqualTheOfficialOnes) {
  expect_all(clipped(), kClipped128, kClipped112, kClipped64);
}
TEST(FilterBanksTest, OfSilenceEqualTheOfficialOnes) {
  expect_all(std::vector<double>(kSamples), kSilence128, kSilence112, kSilence64);
}

TEST(FilterBanksTest, OfLessThanAFrameAreNone) {
  const FilterBanks banks;
  EXPECT_TRUE(banks(std::vector<float>(3, 0.5f)).empty());
  EXPECT_EQ(banks.frames(399), 0);
  EXPECT_EQ(banks.frames(400), 1);
  EXPECT_EQ(banks.frames(560), 2);
}

TEST(FilterBanksTest, SamplesThatAreNoNumbersCountAsZero) {
  std::vector<float> broken(400, 100.0f), zeroed(400, 100.0f);
  broken[7] = std::numeric_limits<float>::quiet_NaN();
  broken[9] = std::numeric_limits<float>::infinity();
  zeroed[7] = zeroed[9] = 0;
  EXPECT_EQ(FilterBanks()(broken), FilterBanks()(zeroed));
}

}  // namespace
}  // namespace alref
