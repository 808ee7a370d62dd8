// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cmath>
#include <cstdint>
#include <numbers>

namespace alref::testing {

/// Three tones with noise, 16 kHz: the same samples as chord() in
/// tests/core/make_filter_bank_goldens.py.
inline Waveform chord(double seconds) {
  Waveform wave{.sample_rate = 16000};
  uint64_t state = 1;
  for (int t = 0; t < static_cast<int>(seconds * 16000); ++t) {
    double sum = 0;
    for (double f : {300, 750, 1900}) sum += std::sin(2 * std::numbers::pi * t / 16000 * f) * 0.1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    wave.samples.push_back(
        static_cast<float>(sum + (static_cast<double>(state >> 33) / (1 << 30) - 1) * 0.05));
  }
  return wave;
}

}  // namespace alref::testing
