// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace alref::testing {

/// A sound in memory, 16 kHz, that remembers the longest stretch it was asked for.
class MemorySound : public SoundSource {
 public:
  explicit MemorySound(Waveform sound) : sound_(std::move(sound)) {}

  Waveform read(double begin, double end) override {
    const auto first = static_cast<size_t>(std::llround(begin * 16000)),
               last = static_cast<size_t>(std::llround(end * 16000));
    longest_ = std::max(longest_, last - first);
    Waveform part{.sample_rate = sound_.sample_rate};
    for (size_t i = first; i < std::min(last, sound_.samples.size()); ++i)
      part.samples.push_back(sound_.samples[i]);
    return part;
  }

  size_t longest() const { return longest_; }

 private:
  Waveform sound_;
  size_t longest_ = 0;
};

}  // namespace alref::testing
