// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/audio.h"
#include "alref/error.h"
#include "alref/types.h"

#include <cstddef>
#include <functional>
#include <optional>
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

/// Several sounds, each made when it is asked for by its number: together they may be long.
using SoundAt = std::function<Waveform(size_t)>;

/// Names what sounds in a recording (BEATs).
class AudioTagger {
 public:
  virtual ~AudioTagger() = default;
  /// Every class with its probability, the likeliest first. `sound` is mono at 16 kHz.
  virtual std::vector<AudioTag> tag(const Waveform& sound) = 0;
  /// The same of `count` sounds, in order; cheaper than one by one where the network can.
  virtual std::vector<std::vector<AudioTag>> tag_each(size_t count, const SoundAt& sound) {
    std::vector<std::vector<AudioTag>> tags;
    for (size_t i = 0; i < count; ++i) tags.push_back(tag(sound(i)));
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
  /// The same of `count` sounds, in order; cheaper than one by one where the network can.
  virtual std::vector<std::vector<float>> embed_sounds(size_t count, const SoundAt& sound) {
    std::vector<std::vector<float>> embeddings;
    for (size_t i = 0; i < count; ++i) embeddings.push_back(embed_audio(sound(i)));
    return embeddings;
  }
  /// Unit vector of an English text.
  virtual std::vector<float> embed_text(std::string_view text) = 0;
};

}  // namespace alref
