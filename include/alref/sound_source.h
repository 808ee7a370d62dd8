// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <memory>
#include <string>

namespace alref {

/// A sound, read by stretches; nothing holds the whole of it.
class SoundSource {
 public:
  virtual ~SoundSource() = default;

  /// What sounds from `begin` to `end`, in seconds from the start, mono at 16 kHz; shorter where
  /// the sound ends, empty past its end. Stretches that begin ever later cost one decode in all.
  virtual Waveform read(double begin, double end) = 0;
};

/// The sound of a file, whatever FFmpeg reads: the mean of its channels, resampled to 16 kHz. Gaps
/// and samples that are not finite numbers are silence.
/// @throws Error(kInput)  no such file, no sound track, no decoder; more than 24 hours.
std::unique_ptr<SoundSource> open_sound(const std::string& path);

}  // namespace alref
