// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perception/audio.h"

namespace alref::pipeline {

// In this world a sample of 0.25 is a dog, 0.5 a cat, 0.75 both, all else nobody. A sound's makers
// are those of its samples, by their share.

inline std::array<float, 2> makers(const Waveform& sound) {
  std::array<float, 2> share{};
  for (const float s : sound.samples) {
    share[0] += s == 0.25f || s == 0.75f;
    share[1] += s == 0.5f || s == 0.75f;
  }
  for (float& s : share) s /= std::max<float>(1, static_cast<float>(sound.samples.size()));
  return share;
}

/// "Bark", "Meow", "Silence" (always the likeliest) and "Music".
class FakeTagger : public AudioTagger {
 public:
  std::vector<AudioTag> tag(const Waveform& sound) override {
    ++runs;
    const auto [dog, cat] = makers(sound);
    std::vector<AudioTag> tags = {{"/m/028v0c", "Silence", 0.99f},
                                  {"/m/bark", "Bark", 0.9f * dog},
                                  {"/m/meow", "Meow", 0.8f * cat},
                                  {"/m/music", "Music", 0.01f}};
    std::ranges::stable_sort(tags, std::greater<>(), &AudioTag::probability);
    return tags;
  }
  std::optional<float> segment_threshold() const override { return calibrated; }
  int runs = 0;
  std::optional<float> calibrated;
};

class FakeEmbedder : public AudioTextEmbedder {
 public:
  std::vector<float> embed_audio(const Waveform& sound) override {
    ++sounds;
    const auto [dog, cat] = makers(sound);
    return unit(dog, cat);
  }
  std::vector<float> embed_text(std::string_view text) override {
    texts.emplace_back(text);
    return unit(text.find("dog barking") != std::string_view::npos,
                text.find("cat meow") != std::string_view::npos);
  }
  int sounds = 0;
  std::vector<std::string> texts;

 private:
  static std::vector<float> unit(float a, float b) {
    const float norm = std::sqrt(a * a + b * b);
    return norm > 0 ? std::vector{a / norm, b / norm} : std::vector{0.0f, 0.0f};
  }
};

/// One value a second; notes what was read.
class FakeSound : public SoundSource {
 public:
  explicit FakeSound(std::vector<float> seconds) : seconds_(std::move(seconds)) {}
  Waveform read(double begin, double end) override {
    reads.emplace_back(begin, end);
    Waveform sound{.sample_rate = 16000, .channels = 1, .samples = {}};
    const auto first = static_cast<size_t>(begin * 16000), last = static_cast<size_t>(end * 16000);
    for (size_t i = first; i < std::min(last, seconds_.size() * 16000); ++i)
      sound.samples.push_back(seconds_[i / 16000]);
    return sound;
  }
  Waveform whole() { return read(0, static_cast<double>(seconds_.size())); }
  std::vector<std::pair<double, double>> reads;

 private:
  std::vector<float> seconds_;
};

}  // namespace alref::pipeline
