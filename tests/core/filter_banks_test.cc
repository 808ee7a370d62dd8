// SPDX-License-Identifier: Apache-2.0
#include "core/filter_banks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "core/filter_bank_goldens.h"

namespace alref {
namespace {

constexpr int kRate = 16000;
constexpr size_t kSamples = kRate / 2;
constexpr int kFrames = 48;
constexpr int kGoldenFrames[] = {4, 7, 17, 28, 44};
constexpr double kTolerance = 1e-4;

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

double mel(double frequency) { return 1127 * std::log(1 + frequency / 700); }

// The formula, point by point of a plain Fourier sum, in double.
std::vector<double> by_formula(const std::vector<float>& samples, int frame, int bins,
                               FilterBankOptions::Window window) {
  constexpr int kLength = 400, kShift = 160, kPoints = 512;
  constexpr double kTurn = 2 * std::numbers::pi;
  std::vector<double> x(samples.begin() + frame * kShift,
                        samples.begin() + frame * kShift + kLength);
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / kLength;
  for (double& s : x) s -= mean;
  for (int i = kLength - 1; i >= 0; --i) {
    const double hann = 0.5 - 0.5 * std::cos(kTurn * i / (kLength - 1));
    x[i] -= 0.97 * x[std::max(i - 1, 0)];
    x[i] *= window == FilterBankOptions::Window::kPovey ? std::pow(hann, 0.85) : hann;
  }
  std::vector<double> energies(bins);
  const double low = mel(20), width = (mel(kRate / 2.0) - low) / (bins + 1);
  for (int k = 0; k < kPoints / 2; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < kLength; ++i) {
      re += x[i] * std::cos(kTurn * (i * k % kPoints) / kPoints);
      im += x[i] * std::sin(kTurn * (i * k % kPoints) / kPoints);
    }
    const double position = (mel(static_cast<double>(kRate) * k / kPoints) - low) / width;
    for (int bin = 0; bin < bins; ++bin)
      energies[bin] += std::max(0.0, 1 - std::abs(position - (bin + 1))) * (re * re + im * im);
  }
  for (double& e : energies)
    e = std::log(std::max<double>(e, std::numeric_limits<float>::epsilon()));
  return energies;
}

// Kaldi runs in float, and where a bin is a million times weaker than others its own value is
// `rounded` by more than the tolerance. There the formula decides; everywhere else both do.
void expect_golden(const std::vector<double>& sound, const std::vector<float>& kaldi, int bins,
                   FilterBankOptions::Window window, int rounded) {
  const FilterBanks banks({.sample_rate = kRate, .bins = bins, .window = window});
  const std::vector<float> samples = scaled(sound), got = banks(samples);
  ASSERT_EQ(got.size(), static_cast<size_t>(kFrames * bins));
  ASSERT_EQ(kaldi.size(), std::size(kGoldenFrames) * bins);
  double from_formula = 0, from_kaldi = 0;
  auto golden = kaldi.begin();
  for (const int frame : kGoldenFrames) {
    const std::vector<double> formula = by_formula(samples, frame, bins, window);
    for (int bin = 0; bin < bins; ++bin, ++golden) {
      const double value = got[frame * bins + bin];
      from_formula = std::max(from_formula, std::abs(value - formula[bin]));
      if (std::abs(*golden - formula[bin]) > kTolerance) {
        --rounded;
      } else {
        from_kaldi = std::max(from_kaldi, std::abs(value - *golden));
      }
    }
  }
  EXPECT_EQ(rounded, 0) << bins << " bins";
  EXPECT_LE(from_formula, 2e-6) << bins << " bins";  // floats around 20
  EXPECT_LE(from_kaldi, kTolerance) << bins << " bins";
}

void expect_all(const std::vector<double>& sound, const std::vector<float>& povey, int rounded128,
                const std::vector<float>& hanning, int rounded112, const std::vector<float>& few) {
  expect_golden(sound, povey, 128, FilterBankOptions::Window::kPovey, rounded128);
  expect_golden(sound, hanning, 112, FilterBankOptions::Window::kHanning, rounded112);
  expect_golden(sound, few, 64, FilterBankOptions::Window::kPovey, 0);
}

TEST(FilterBanksTest, OfMusicEqualTheOfficialOnes) {
  expect_all(music(), kMusic128, 0, kMusic112, 0, kMusic64);
}
TEST(FilterBanksTest, OfSpeechEqualTheOfficialOnes) {
  expect_all(speech(), kSpeech128, 1, kSpeech112, 1, kSpeech64);
}
TEST(FilterBanksTest, OfClippedSoundEqualTheOfficialOnes) {
  expect_all(clipped(), kClipped128, 3, kClipped112, 2, kClipped64);
}
TEST(FilterBanksTest, OfSilenceEqualTheOfficialOnes) {
  expect_all(std::vector<double>(kSamples), kSilence128, 0, kSilence112, 0, kSilence64);
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
