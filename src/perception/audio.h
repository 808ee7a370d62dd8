// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/audio.h"
#include "alref/error.h"
#include "alref/types.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alref {

/// Throws Error(kInvalidArgument) for a sound that is not mono at 16 kHz.
inline void expect_mono_16k(const Waveform& sound) {
  if (sound.sample_rate == 16000 && sound.channels == 1) return;
  throw Error(ErrorKind::kInvalidArgument, "expected a mono sound of 16000 samples a second, got " +
                                               std::to_string(sound.channels) + " channels of " +
                                               std::to_string(sound.sample_rate));
}

/// Names what sounds in a recording (BEATs).
class AudioTagger {
 public:
  virtual ~AudioTagger() = default;
  /// Every class with its probability, the likeliest first. `sound` is mono at 16 kHz.
  virtual std::vector<AudioTag> tag(const Waveform& sound) = 0;
  /// The same of several sounds, in order; cheaper than one by one where the network can.
  virtual std::vector<std::vector<AudioTag>> tag_each(std::span<const Waveform> sounds) {
    std::vector<std::vector<AudioTag>> tags;
    for (const Waveform& sound : sounds) tags.push_back(tag(sound));
    return tags;
  }
  /// Cosine of the probabilities of two adjacent seconds below which another sound begins, where
  /// training has calibrated it.
  virtual std::optional<float> segment_threshold() const { return std::nullopt; }
};

/// Puts sounds and texts into one space (LanguageBind): the dot product of two embeddings is their
/// similarity.
class AudioTextEmbedder {
 public:
  virtual ~AudioTextEmbedder() = default;
  /// Unit vector of a mono 16 kHz sound.
  virtual std::vector<float> embed_audio(const Waveform& sound) = 0;
  /// The same of several sounds, in order; cheaper than one by one where the network can.
  virtual std::vector<std::vector<float>> embed_sounds(std::span<const Waveform> sounds) {
    std::vector<std::vector<float>> embeddings;
    for (const Waveform& sound : sounds) embeddings.push_back(embed_audio(sound));
    return embeddings;
  }
  /// Unit vector of an English text.
  virtual std::vector<float> embed_text(std::string_view text) = 0;
};

}  // namespace alref
