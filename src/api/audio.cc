// SPDX-License-Identifier: Apache-2.0
#include "alref/audio.h"

#include <numeric>

#include "compute/device.h"
#include "perception/beats/beats.h"
#include "perception/language_bind/language_bind.h"

namespace alref {

struct SoundTagger::State {
  State(const std::string& model, const DeviceOptions& options)
      : device(options), network(model, device) {}

  compute::Device device;
  beats::Beats network;
};

SoundTagger::SoundTagger(const std::string& model, const DeviceOptions& device)
    : state_(std::make_unique<State>(model, device)) {}
SoundTagger::~SoundTagger() = default;
SoundTagger::SoundTagger(SoundTagger&&) noexcept = default;
SoundTagger& SoundTagger::operator=(SoundTagger&&) noexcept = default;

std::vector<AudioTag> SoundTagger::tag(const Waveform& sound) { return state_->network.tag(sound); }
std::vector<AudioTag> SoundTagger::tag(SoundSource& sound) { return state_->network.tag(sound); }

struct SoundMatcher::State {
  State(const std::string& model, const DeviceOptions& options)
      : device(options), network(model, device) {}

  std::vector<float> similarities(const std::vector<float>& heard,
                                  std::span<const std::string> texts) {
    std::vector<float> result;
    for (const std::string& text : texts) {
      const std::vector<float> meant = network.embed_text(text);
      result.push_back(std::inner_product(heard.begin(), heard.end(), meant.begin(), 0.0f));
    }
    return result;
  }

  compute::Device device;
  language_bind::LanguageBind network;
};

SoundMatcher::SoundMatcher(const std::string& model, const DeviceOptions& device)
    : state_(std::make_unique<State>(model, device)) {}
SoundMatcher::~SoundMatcher() = default;
SoundMatcher::SoundMatcher(SoundMatcher&&) noexcept = default;
SoundMatcher& SoundMatcher::operator=(SoundMatcher&&) noexcept = default;

std::vector<float> SoundMatcher::embed(const Waveform& sound) {
  return state_->network.embed_audio(sound);
}
std::vector<float> SoundMatcher::embed(SoundSource& sound) {
  return state_->network.embed_audio(sound);
}
std::vector<float> SoundMatcher::embed(const std::string& text) {
  return state_->network.embed_text(text);
}

std::vector<float> SoundMatcher::similarities(const Waveform& sound,
                                              std::span<const std::string> texts) {
  return state_->similarities(embed(sound), texts);
}
std::vector<float> SoundMatcher::similarities(SoundSource& sound,
                                              std::span<const std::string> texts) {
  return state_->similarities(embed(sound), texts);
}

}  // namespace alref
