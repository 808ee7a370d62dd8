// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "compute/device.h"
#include "core/filter_banks.h"
#include "perception/audio.h"
#include "perception/language_bind/config.h"
#include "perception/language_bind/tower.h"
#include "text/bpe.h"

namespace alref::language_bind {

/// LanguageBind (arXiv:2310.01852; PKU-YuanGroup/LanguageBind): sounds and texts in one space.
///
/// A sound is its filter banks of 10.4 s as a picture of three equal channels, a shorter one
/// repeated as the official code does. Of a longer one the official code takes three chunks at
/// random places; here they are the middles of the same three ranges, so that the same sound always
/// gives the same embedding. Threads: one call at a time.
class LanguageBind : public AudioTextEmbedder {
 public:
  /// Throws Error(kModel). `device` outlives the embedder.
  LanguageBind(const std::filesystem::path& path, compute::Device& device);
  ~LanguageBind() override;

  /// Throws Error: kInvalidArgument: not mono at 16 kHz; kModel: the file holds no network for
  /// sounds, as that of LanguageBind_Image. Shorter than 25 ms: followed by silence.
  std::vector<float> embed_audio(const Waveform& sound) override;
  /// Up to kMostTogether in one graph.
  std::vector<std::vector<float>> embed_sounds(size_t count, const SoundAt& sound) override;
  /// The same of a sound of any length, read twice; only its chunks are held, one at a time.
  std::vector<float> embed_audio(SoundSource& sound);
  std::vector<float> embed_text(std::string_view text) override;

  const Config& config() const { return config_; }

  static constexpr size_t kMostTogether = 5;

 private:
  struct TextTower;
  struct AudioTower;
  // The samples from one on, so many, all of which are there.
  using Reader = std::function<std::vector<float>(size_t first, size_t count)>;

  AudioTower& audio();  // throws Error(kModel) in files without one
  /// The network's input for one sound: [patches, channels * patch * patch].
  std::vector<float> patches_of(const Waveform& sound);
  std::vector<float> patches_of(size_t total, const Reader& read);
  std::vector<std::vector<float>> embed(std::span<const std::vector<float>> patches);

  compute::Weights weights_;
  Config config_;
  text::Bpe tokenizer_;
  std::unique_ptr<TextTower> text_;
  std::unique_ptr<AudioTower> audio_;  // null in files without one
};

/// The first frames of the three chunks of `frames` frames of a sound of `total`
/// (processing_audio.py, waveform2melspec).
std::array<int64_t, 3> chunk_starts(int64_t total, int64_t frames);

/// [3, bins, frames] of the chunks' filter banks, [n, bins] each; those of fewer frames are
/// repeated.
std::vector<float> fuse_chunks(const std::array<std::vector<float>, 3>& chunks, int64_t bins,
                               int64_t frames);

}  // namespace alref::language_bind
