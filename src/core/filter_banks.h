// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace alref {

/// Logarithms of mel filter bank energies, as Kaldi and torchaudio.compliance.kaldi.fbank compute
/// them: frames of 25 ms every 10 ms that lie whole within the sound, mean removed, pre-emphasis
/// 0.97, power spectrum of 512 points, triangles on the mel scale from 20 Hz to half the sample
/// rate, no dither.
struct FilterBankOptions {
  enum class Window { kPovey, kHanning };

  int sample_rate = 16000;
  int bins = 128;
  Window window = Window::kPovey;
};

class FilterBanks {
 public:
  explicit FilterBanks(const FilterBankOptions& options = {});

  int bins() const { return options_.bins; }
  /// Number of frames of a sound with so many samples; 0 where it is shorter than one frame.
  int frames(size_t samples) const;
  /// The first sample of a frame, and how many samples so many frames take.
  size_t start_of(int64_t frame) const {
    return static_cast<size_t>(frame) * static_cast<size_t>(shift_);
  }
  size_t samples(int64_t frames) const {
    return start_of(frames - 1) + static_cast<size_t>(length_);
  }
  /// [frames, bins]; `samples` at the scale that the network wants (BEATs: times 32768). Samples
  /// that are no number or infinite count as 0.
  std::vector<float> operator()(std::span<const float> samples) const;

 private:
  struct Triangle {
    int first = 0;  // spectrum bin of weights[0]
    std::vector<double> weights;
  };

  FilterBankOptions options_;
  int length_;  // samples a frame
  int shift_;
  int points_;  // of the Fourier transform
  std::vector<double> window_;
  std::vector<Triangle> triangles_;
};

}  // namespace alref
