// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace alref::media {

struct AudioOptions {
  int sample_rate = 16000;
  double max_seconds = 24 * 3600;  ///< more is an Error(kInput)
};

/// The sound of a file (a video's track or a sound file, whatever FFmpeg reads) as one channel of
/// floats: the mean of its channels, resampled by libswresample. Sample 0 is the start of the file:
/// a track that begins later, and gaps in it, give silence, so that sound and picture stay
/// together. Samples that are not finite count as 0 (logged as a warning). Read by windows, so that
/// nothing holds the whole sound.
class AudioReader {
 public:
  /// Throws Error(kInput): unreadable, no sound track, no decoder.
  explicit AudioReader(const std::string& path, const AudioOptions& options = {});
  ~AudioReader();
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;

  int sample_rate() const;
  /// What the file says of its length; the samples may be more or fewer.
  std::optional<double> declared_seconds() const;

  /// The samples first ... first + count - 1; fewer at the end, none past it. Windows that rise,
  /// overlapping or not, cost one decode in all; one that starts before the last one's start begins
  /// again at the start of the file.
  Waveform window(int64_t first, size_t count);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The whole sound. Throws Error(kInput), also for a track without a single sample.
Waveform read_audio(const std::string& path, const AudioOptions& options = {});

/// Whether there is a sound track to read. Throws Error(kInput) if the file cannot be read.
bool has_audio(const std::string& path);

}  // namespace alref::media
