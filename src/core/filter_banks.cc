// SPDX-License-Identifier: Apache-2.0
#include "core/filter_banks.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

namespace alref {
namespace {

constexpr int kFrameMs = 25;
constexpr int kShiftMs = 10;
constexpr double kPreemphasis = 0.97;
constexpr double kLowestFrequency = 20;
constexpr double kPoveyExponent = 0.85;
// Kaldi's floor under the logarithm.
constexpr double kSmallestEnergy = std::numeric_limits<float>::epsilon();

double mel(double frequency) { return 1127 * std::log1p(frequency / 700); }

int next_power_of_two(int n) {
  int power = 1;
  while (power < n) power *= 2;
  return power;
}

// In place, decimation in time; values.size() is a power of two.
void fourier_transform(std::vector<std::complex<double>>& values) {
  const size_t n = values.size();
  for (size_t i = 1, j = 0; i < n; ++i) {  // bit reversal
    size_t bit = n / 2;
    for (; j & bit; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  for (size_t length = 2; length <= n; length *= 2) {
    const std::complex<double> step =
        std::polar(1.0, -2 * std::numbers::pi / static_cast<double>(length));
    for (size_t start = 0; start < n; start += length) {
      std::complex<double> twiddle = 1;
      for (size_t k = 0; k < length / 2; ++k) {
        const std::complex<double> even = values[start + k];
        const std::complex<double> odd = values[start + k + length / 2] * twiddle;
        values[start + k] = even + odd;
        values[start + k + length / 2] = even - odd;
        twiddle *= step;
      }
    }
  }
}

}  // namespace

FilterBanks::FilterBanks(const FilterBankOptions& options)
    : options_(options),
      length_(options.sample_rate * kFrameMs / 1000),
      shift_(options.sample_rate * kShiftMs / 1000),
      points_(next_power_of_two(length_)) {
  for (int i = 0; i < length_; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / (length_ - 1));
    window_.push_back(options.window == FilterBankOptions::Window::kPovey
                          ? std::pow(hann, kPoveyExponent)
                          : hann);
  }
  const double low = mel(kLowestFrequency), high = mel(options.sample_rate / 2.0);
  const double width = (high - low) / (options.bins + 1);
  for (int bin = 0; bin < options.bins; ++bin) {
    const double left = low + bin * width, centre = left + width, right = centre + width;
    Triangle& triangle = triangles_.emplace_back();
    for (int i = 0; i < points_ / 2; ++i) {  // without the bin at half the sample rate, as Kaldi
      const double position = mel(static_cast<double>(options.sample_rate) * i / points_);
      if (position <= left || position >= right) continue;
      if (triangle.weights.empty()) triangle.first = i;
      triangle.weights.push_back(std::min(position - left, right - position) / width);
    }
  }
}

int FilterBanks::frames(size_t samples) const {
  const auto length = static_cast<size_t>(length_);
  return samples < length ? 0
                          : static_cast<int>((samples - length) / static_cast<size_t>(shift_)) + 1;
}

std::vector<float> FilterBanks::operator()(std::span<const float> samples) const {
  const int count = frames(samples.size());
  std::vector<float> energies;
  energies.reserve(static_cast<size_t>(count) * static_cast<size_t>(options_.bins));
  std::vector<double> frame(static_cast<size_t>(length_));
  std::vector<std::complex<double>> spectrum(static_cast<size_t>(points_));
  std::vector<double> power(static_cast<size_t>(points_ / 2));
  for (int n = 0; n < count; ++n) {
    const float* from = samples.data() + static_cast<size_t>(n) * static_cast<size_t>(shift_);
    std::transform(from, from + length_, frame.begin(),
                   [](float s) { return std::isfinite(s) ? s : 0.0; });
    const double mean = std::accumulate(frame.begin(), frame.end(), 0.0) / length_;
    std::fill(spectrum.begin(), spectrum.end(), 0.0);
    for (size_t i = 0; i < frame.size(); ++i) {
      const double before = frame[i > 0 ? i - 1 : 0] - mean;
      spectrum[i] = ((frame[i] - mean) - kPreemphasis * before) * window_[i];
    }
    fourier_transform(spectrum);
    for (size_t i = 0; i < power.size(); ++i) power[i] = std::norm(spectrum[i]);
    for (const Triangle& triangle : triangles_) {
      const double energy = std::inner_product(triangle.weights.begin(), triangle.weights.end(),
                                               power.begin() + triangle.first, 0.0);
      energies.push_back(static_cast<float>(std::log(std::max(energy, kSmallestEnergy))));
    }
  }
  return energies;
}

}  // namespace alref
