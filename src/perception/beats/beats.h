// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "compute/device.h"
#include "core/filter_banks.h"
#include "perception/audio.h"
#include "perception/beats/config.h"
#include "perception/beats/encoder.h"

namespace alref::beats {

/// BEATs fine-tuned on AudioSet (arXiv:2212.09058; microsoft/unilm, beats/BEATs.py).
///
/// A sound of up to 20 s is one input, as the official code takes it; a longer one is heard in
/// windows of 10 s, the length of AudioSet's clips, and a class gets its highest probability. One
/// that is shorter than a patch (175 ms) is followed by silence. Threads: one call at a time.
class Beats : public AudioTagger {
 public:
  /// Throws Error(kModel). `device` outlives the tagger.
  Beats(const std::filesystem::path& path, compute::Device& device);
  ~Beats() override;

  /// Throws Error(kInvalidArgument) for a sound that is not mono at 16 kHz.
  std::vector<AudioTag> tag(const Waveform& sound) override;
  /// Short sounds of as many patches that follow each other go through the network together.
  std::vector<std::vector<AudioTag>> tag_each(size_t count, const SoundAt& sound) override;
  /// The same, of which never more than 20 s are held.
  std::vector<AudioTag> tag(SoundSource& sound);
  std::optional<float> segment_threshold() const override { return config_.segment_threshold; }

  /// What one input of the network gives.
  struct Output {
    std::vector<float> tokens;         ///< [tokens, dim]
    std::vector<float> probabilities;  ///< by class
  };
  Output run(std::span<const float> samples);

  const Config& config() const { return config_; }

 private:
  struct Stage;  // the graph for one number of tokens and of sounds
  // The samples from one on, so many; fewer at the end. They are there until the next call.
  using Reader = std::function<std::span<const float>(size_t first, size_t count)>;

  std::vector<AudioTag> tag(const Reader& read);
  std::vector<AudioTag> sorted_tags(std::span<const float> probabilities) const;
  /// The network's input: [rows * columns, patch * patch].
  std::vector<float> patches_of(std::span<const float> samples) const;
  /// What the network makes of sounds of one length, given as patches.
  std::vector<Output> run_together(std::span<const std::vector<float>> patches);
  int64_t tokens_of(std::span<const float> patches) const;
  Stage& stage_for(int64_t tokens, int64_t sounds);

  compute::Weights weights_;
  Config config_;
  FilterBanks filter_banks_;
  compute::nn::Linear patch_embedding_;
  compute::nn::LayerNorm patch_norm_;
  std::unique_ptr<compute::nn::Linear> projection_;  // where the two widths differ
  Encoder encoder_;
  compute::nn::Linear predictor_;
  std::map<std::pair<int64_t, int64_t>, std::unique_ptr<Stage>> stages_;
};

}  // namespace alref::beats
