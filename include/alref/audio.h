// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"
#include "alref/types.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace alref {

/// One of AudioSet's classes, heard in a sound.
struct AudioTag {
  std::string id;    ///< AudioSet's machine id, such as "/m/0bt9lr"
  std::string name;  ///< AudioSet's display name; the id where the model holds no names
  float probability = 0;
};

/// Names what sounds in a recording (BEATs, arXiv:2212.09058). Threads: one call at a time.
class SoundTagger {
 public:
  /// @param model  a GGUF file made by `alref convert` from a fine-tuned BEATs checkpoint.
  /// @throws Error  kModel: damaged, or no BEATs model. kUnavailable: no such device.
  explicit SoundTagger(const std::string& model, const DeviceOptions& device = {});
  ~SoundTagger();
  SoundTagger(SoundTagger&&) noexcept;
  SoundTagger& operator=(SoundTagger&&) noexcept;

  /// Every class, the likeliest first. Up to 20 s are heard as one, a longer sound in windows of 10
  /// s of which a class gets its highest probability.
  /// @param sound  mono, 16 kHz; else Error(kInvalidArgument).
  std::vector<AudioTag> tag(const Waveform& sound);
  /// The same, window by window: never more than 20 s of it are held.
  std::vector<AudioTag> tag(SoundSource& sound);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Says how well texts describe a sound (LanguageBind, arXiv:2310.01852). Threads: one call at a
/// time.
class SoundMatcher {
 public:
  /// @param model  a GGUF file made by `alref convert` from LanguageBind_Audio_FT.
  explicit SoundMatcher(const std::string& model, const DeviceOptions& device = {});
  ~SoundMatcher();
  SoundMatcher(SoundMatcher&&) noexcept;
  SoundMatcher& operator=(SoundMatcher&&) noexcept;

  /// Unit vectors in one space: their dot product is the similarity, in [-1, 1]. Of a sound longer
  /// than 10.4 s three chunks of that length count: the middles of its thirds.
  std::vector<float> embed(const Waveform& sound);
  std::vector<float> embed(const std::string& text);
  /// The same of a sound of any length, of which never more than 11 s are held. It is read twice:
  /// once for its length, then where its chunks lie.
  std::vector<float> embed(SoundSource& sound);

  /// The similarity of each text with the sound.
  std::vector<float> similarities(const Waveform& sound, std::span<const std::string> texts);
  std::vector<float> similarities(SoundSource& sound, std::span<const std::string> texts);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alref
