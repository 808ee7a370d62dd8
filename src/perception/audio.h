// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "alref/audio.h"
#include "alref/types.h"

namespace alref {

/// Names what sounds in a recording (BEATs).
class AudioTagger {
 public:
  virtual ~AudioTagger() = default;
  /// Every class with its probability, the likeliest first. `sound` is mono at 16 kHz.
  virtual std::vector<AudioTag> tag(const Waveform& sound) = 0;
};

/// Puts sounds and texts into one space (LanguageBind): the dot product of two embeddings is their similarity.
class AudioTextEmbedder {
 public:
  virtual ~AudioTextEmbedder() = default;
  /// Unit vector of a mono 16 kHz sound.
  virtual std::vector<float> embed_audio(const Waveform& sound) = 0;
  /// Unit vector of an English text.
  virtual std::vector<float> embed_text(std::string_view text) = 0;
};

}  // namespace alref
