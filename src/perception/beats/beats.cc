// SPDX-License-Identifier: Apache-2.0
#include "perception/beats/beats.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace alref::beats {
namespace {

using compute::Device;
using compute::Graph;
using compute::Weights;

constexpr int kSampleRate = 16000;
constexpr size_t kLongestInput = 20 * kSampleRate;
constexpr size_t kWindow = 10 * kSampleRate;
constexpr float kKaldiScale = 32768;  // BEATs' filter banks are of 16-bit samples
// Sounds of different lengths, and different numbers of them, need graphs of their own. Windows
// whose numbers of moments alternate use five; more in turn are rare. At the official size one of
// 20 s keeps 50 MB of biases.
constexpr size_t kMaxStages = 8;
// About as many as 10 s of sound have: attention's biases grow with their square.
constexpr size_t kMostTokensTogether = 512;

// A convolution whose kernel equals its stride is a matrix product on patches.
compute::nn::Linear patch_matrix(const Weights& w, const Config& c) {
  const int64_t pixels = c.patch_size * c.patch_size;
  const std::vector<float> weight =
      w.values("weight", {c.patch_dim, 1, c.patch_size, c.patch_size});
  return {w.constant("weight (as a matrix)", {c.patch_dim, pixels}, weight),
          c.patch_bias ? w.f32("bias", {c.patch_dim}) : nullptr};
}

size_t rounded_up_quotient(size_t a, size_t b) { return (a + b - 1) / b; }

}  // namespace

struct Beats::Stage {
  explicit Stage(Device& device) : graph(device) {}

  Graph graph;
  compute::DeviceTensor bias;
  ggml_tensor* patches = nullptr;
  ggml_tensor* tokens = nullptr;
  ggml_tensor* logits = nullptr;
};

Beats::Beats(const std::filesystem::path& path, Device& device)
    : weights_(Weights::open(path, device)),
      config_(Config::read(weights_.file())),
      filter_banks_({.sample_rate = kSampleRate,
                     .bins = static_cast<int>(config_.mel_bins),
                     .window = FilterBankOptions::Window::kPovey}),
      patch_embedding_(patch_matrix(weights_ / "patch_embedding", config_)),
      patch_norm_(weights_ / "layer_norm", config_.patch_dim),
      encoder_(weights_ / "encoder", config_),
      predictor_(weights_ / "predictor", config_.dim, config_.classes) {
  if (config_.patch_dim != config_.dim) {
    projection_ = std::make_unique<compute::nn::Linear>(weights_ / "post_extract_proj",
                                                        config_.patch_dim, config_.dim);
  }
}

Beats::~Beats() = default;

Beats::Stage& Beats::stage_for(int64_t tokens, int64_t sounds) {
  const std::pair key(tokens, sounds);
  std::unique_ptr<Stage>& stage = stages_[key];
  if (stage) return *stage;
  if (stages_.size() > kMaxStages) {
    std::erase_if(stages_, [&](const auto& entry) { return entry.first != key; });
  }
  auto made = std::make_unique<Stage>(weights_.device());
  Graph& g = made->graph;
  made->bias = compute::DeviceTensor(weights_.device(), GGML_TYPE_F32,
                                     {sounds * config_.heads, tokens, tokens});
  const std::vector<float> one = encoder_.position_bias(tokens);
  std::vector<float> bias;
  for (int64_t i = 0; i < sounds; ++i) bias.insert(bias.end(), one.begin(), one.end());
  made->bias.write(bias);
  made->patches =
      g.input(GGML_TYPE_F32, {tokens * sounds, config_.patch_size * config_.patch_size});
  ggml_tensor* x = patch_norm_(g, patch_embedding_(g, made->patches));
  if (projection_) x = (*projection_)(g, x);
  made->tokens = g.output(encoder_(g, x, made->bias.tensor(), sounds));
  made->logits = g.output(predictor_(g, made->tokens));
  return *(stages_[key] = std::move(made));
}

int64_t Beats::tokens_of(std::span<const float> patches) const {
  return static_cast<int64_t>(patches.size()) / (config_.patch_size * config_.patch_size);
}

std::vector<float> Beats::patches_of(std::span<const float> samples) const {
  const auto bins = static_cast<size_t>(config_.mel_bins),
             patch = static_cast<size_t>(config_.patch_size);
  std::vector<float> scaled(samples.size());
  std::transform(samples.begin(), samples.end(), scaled.begin(),
                 [](float s) { return s * kKaldiScale; });
  const size_t shortest = kSampleRate / 1000 * (25 + 10 * (patch - 1));  // one row of patches
  if (scaled.size() < shortest) scaled.resize(shortest);

  std::vector<float> energies = filter_banks_(scaled);
  const auto mean = static_cast<float>(config_.fbank_mean),
             spread = static_cast<float>(2 * config_.fbank_std);
  for (float& e : energies) e = (e - mean) / spread;

  // Patches go through the mel bins first, then through time (BEATs.py flattens [time, bins]).
  const size_t rows = energies.size() / bins / patch, columns = bins / patch;
  std::vector<float> patches;
  patches.reserve(rows * columns * patch * patch);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      for (size_t y = 0; y < patch; ++y) {
        const float* line = energies.data() + (r * patch + y) * bins + c * patch;
        patches.insert(patches.end(), line, line + patch);
      }
    }
  }
  return patches;
}

Beats::Output Beats::run(std::span<const float> samples) {
  const std::vector<float> patches = patches_of(samples);
  return std::move(run_together({&patches, 1}).front());
}

std::vector<Beats::Output> Beats::run_together(std::span<const std::vector<float>> patches) {
  const size_t sounds = patches.size();
  const auto tokens = static_cast<size_t>(tokens_of(patches.front()));
  Stage& stage = stage_for(static_cast<int64_t>(tokens), static_cast<int64_t>(sounds));
  // The first token of every sound, then the second.
  const size_t pixels = patches.front().size() / tokens;
  std::vector<std::span<const float>> parts;
  for (size_t t = 0; t < tokens; ++t) {
    for (const auto& one : patches) parts.push_back(std::span(one).subspan(t * pixels, pixels));
  }
  stage.graph.write(stage.patches, parts);
  stage.graph.run();
  const std::vector<float> joint = stage.graph.read(stage.tokens),
                           logits = stage.graph.read(stage.logits);
  const auto dim = static_cast<size_t>(config_.dim), classes = static_cast<size_t>(config_.classes);
  std::vector<Output> outputs(sounds);
  for (size_t s = 0; s < sounds; ++s) {
    std::vector<double> sums(classes);
    for (size_t at = s; at < tokens * sounds; at += sounds) {
      const auto token = std::span(joint).subspan(at * dim, dim);
      outputs[s].tokens.insert(outputs[s].tokens.end(), token.begin(), token.end());
      for (size_t i = 0; i < classes; ++i) sums[i] += logits[at * classes + i];
    }
    for (const double sum : sums) {
      const double logit = sum / static_cast<double>(tokens);
      outputs[s].probabilities.push_back(static_cast<float>(1 / (1 + std::exp(-logit))));
    }
  }
  return outputs;
}

std::vector<std::vector<AudioTag>> Beats::tag_each(size_t count, const SoundAt& sound) {
  std::vector<std::vector<AudioTag>> tags;
  std::vector<std::vector<float>> together;  // the patches of as many tokens a sound
  size_t wanted = 0;                         // of them at once
  const auto hear = [&] {
    if (together.empty()) return;
    for (const Output& output : run_together(together))
      tags.push_back(sorted_tags(output.probabilities));
    together.clear();
  };
  for (size_t i = 0; i < count; ++i) {
    const Waveform next = sound(i);
    expect_mono_16k(next);
    if (next.samples.size() > kLongestInput) {
      hear();
      tags.push_back(tag(next));
      continue;
    }
    std::vector<float> patches = patches_of(next.samples);
    if (!together.empty() && patches.size() != together.front().size()) hear();
    if (together.empty()) {
      // Batches of nearly one size if the rest is as long, so that few graphs are made.
      const size_t most =
          std::max<size_t>(1, kMostTokensTogether / static_cast<size_t>(tokens_of(patches)));
      wanted = rounded_up_quotient(count - i, rounded_up_quotient(count - i, most));
    }
    together.push_back(std::move(patches));
    if (together.size() == wanted) hear();
  }
  hear();
  return tags;
}

std::vector<AudioTag> Beats::tag(const Waveform& sound) {
  expect_mono_16k(sound);
  const std::span<const float> samples(sound.samples);
  return tag([samples](size_t first, size_t count) {
    const size_t start = std::min(first, samples.size());
    return samples.subspan(start, std::min(count, samples.size() - start));
  });
}

std::vector<AudioTag> Beats::tag(SoundSource& sound) {
  Waveform held;
  return tag([&](size_t first, size_t count) {
    held = sound.read(static_cast<double>(first) / kSampleRate,
                      static_cast<double>(first + count) / kSampleRate);
    expect_mono_16k(held);
    return std::span<const float>(held.samples);
  });
}

std::vector<AudioTag> Beats::tag(const Reader& read) {
  std::vector<float> best(static_cast<size_t>(config_.classes));
  const auto hear = [&](std::span<const float> samples) {
    const Output output = run(samples);
    for (size_t i = 0; i < best.size(); ++i) best[i] = std::max(best[i], output.probabilities[i]);
  };
  std::span<const float> part = read(0, kLongestInput + 1);
  if (part.size() <= kLongestInput) {
    hear(part);
  } else {
    hear(part.first(kWindow));
    for (size_t start = kWindow; !(part = read(start, kWindow)).empty(); start += kWindow)
      hear(part);
  }

  return sorted_tags(best);
}

std::vector<AudioTag> Beats::sorted_tags(std::span<const float> probabilities) const {
  std::vector<AudioTag> tags;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    tags.push_back({.id = config_.label_ids[i],
                    .name = config_.label_names[i],
                    .probability = probabilities[i]});
  }
  std::stable_sort(tags.begin(), tags.end(), [](const AudioTag& a, const AudioTag& b) {
    return a.probability > b.probability;
  });
  return tags;
}

}  // namespace alref::beats
