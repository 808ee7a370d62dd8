// SPDX-License-Identifier: Apache-2.0
#include "perception/language_bind/language_bind.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace alref::language_bind {
namespace {

using compute::Device;
using compute::Graph;
using compute::Weights;
using compute::nn::LayerNorm;
using compute::nn::Linear;

constexpr int kSampleRate = 16000;
constexpr size_t kShortest = kSampleRate / 1000 * 25;  // one frame of the filter banks
constexpr int64_t kChannels = 3;
constexpr size_t kCountedAtOnce = 10 * kSampleRate;

std::vector<float> unit(std::vector<float> vector) {
  double norm = 0;
  for (float v : vector) norm += double{v} * v;
  const auto scale = static_cast<float>(norm > 0 ? 1 / std::sqrt(norm) : 0);
  for (float& v : vector) v *= scale;
  return vector;
}

Waveform read_samples(SoundSource& sound, size_t first, size_t count) {
  Waveform part = sound.read(static_cast<double>(first) / kSampleRate,
                             static_cast<double>(first + count) / kSampleRate);
  expect_mono_16k(part);
  return part;
}

}  // namespace

std::array<int64_t, kChannels> chunk_starts(int64_t total, int64_t frames) {
  std::array<int64_t, kChannels> starts = {0, 0, 0};
  if (total > frames) {
    // numpy.array_split of the possible starts into three; an empty part stands for start 0.
    const int64_t choices = total - frames + 1;
    int64_t begin = 0;
    for (int64_t part = 0; part < kChannels; ++part) {
      const int64_t size = choices / kChannels + (part < choices % kChannels ? 1 : 0);
      if (size > 0) starts[static_cast<size_t>(part)] = begin + size / 2;
      begin += size;
    }
  }
  return starts;
}

std::vector<float> fuse_chunks(const std::array<std::vector<float>, kChannels>& chunks,
                               int64_t bins, int64_t frames) {
  std::vector<float> fused(static_cast<size_t>(kChannels * bins * frames));
  for (int64_t channel = 0; channel < kChannels; ++channel) {
    const std::vector<float>& mel = chunks[static_cast<size_t>(channel)];
    const int64_t held = static_cast<int64_t>(mel.size()) / bins;
    for (int64_t frame = 0; frame < frames; ++frame) {
      const int64_t source = frame % held;
      for (int64_t bin = 0; bin < bins; ++bin) {
        fused[static_cast<size_t>((channel * bins + bin) * frames + frame)] =
            mel[static_cast<size_t>(source * bins + bin)];
      }
    }
  }
  return fused;
}

// text_model and text_projection (modeling_clip.py, CLIPTextTransformer). No token sees those
// behind it, so that what lies behind a text's end need not be computed.
struct LanguageBind::TextTower {
  struct Stage {
    explicit Stage(Device& device) : graph(device) {}

    Graph graph;
    ggml_tensor* ids = nullptr;
    ggml_tensor* end = nullptr;
    ggml_tensor* embedding = nullptr;
  };

  TextTower(const Weights& w, const Config& c)
      : weights(w),
        config(c),
        words((w / "text_model" / "embeddings" / "token_embedding")
                  .tensor("weight", {c.vocabulary, c.text.dim})),
        positions((w / "text_model" / "embeddings" / "position_embedding")
                      .f32("weight", {c.max_tokens, c.text.dim})),
        tower(w / "text_model" / "encoder", c.text),
        norm(w / "text_model" / "final_layer_norm", c.text.dim, c.text.eps),
        projection(w / "text_projection", c.text.dim, c.projection_dim, /*bias=*/false) {}

  /// The graph for so many tokens or somewhat more: one of a few, whatever texts come.
  std::pair<Stage&, int64_t> stage_for(int64_t tokens) {
    constexpr int64_t kFewest = 8;
    int64_t n = kFewest;
    while (n < tokens) n *= 2;
    n = std::min(n, config.max_tokens);
    std::unique_ptr<Stage>& stage = stages[n];
    if (!stage) stage = make(n);
    return {*stage, n};
  }

  std::unique_ptr<Stage> make(int64_t n) const {
    std::vector<float> causal(static_cast<size_t>(n * n));
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = i + 1; j < n; ++j)
        causal[static_cast<size_t>(i * n + j)] = -std::numeric_limits<float>::infinity();
    }
    ggml_tensor* mask = weights.constant("causal mask of " + std::to_string(n), {1, n, n}, causal);
    auto stage = std::make_unique<Stage>(weights.device());
    Graph& graph = stage->graph;
    ggml_context* c = graph.context();
    stage->ids = graph.input(GGML_TYPE_I32, {n});
    stage->end = graph.input(GGML_TYPE_I32, {1});
    ggml_tensor* x =
        ggml_add(c, ggml_get_rows(c, words, stage->ids), compute::rows(c, positions, 0, n));
    x = tower(graph, ggml_reshape_3d(c, x, config.text.dim, n, 1), mask);
    // The end token's place holds the text's embedding: it alone has seen all of the text.
    x = ggml_get_rows(c, ggml_reshape_2d(c, norm(graph, x), config.text.dim, n), stage->end);
    stage->embedding = graph.output(projection(graph, x));
    return stage;
  }

  Weights weights;
  Config config;
  ggml_tensor* words;
  ggml_tensor* positions;
  Tower tower;
  LayerNorm norm;
  Linear projection;
  std::map<int64_t, std::unique_ptr<Stage>> stages;  // by number of tokens
};

// vision_model and visual_projection on filter banks (modeling_audio.py, CLIPVisionTransformer with
// one frame).
struct LanguageBind::AudioTower {
  struct Stage {
    explicit Stage(Device& device) : graph(device) {}

    Graph graph;
    ggml_tensor* patches = nullptr;
    ggml_tensor* embeddings = nullptr;
  };

  AudioTower(const Weights& w, const Config& c)
      : device(w.device()),
        config(c),
        banks({.sample_rate = kSampleRate,
               .bins = static_cast<int>(c.mel_bins),
               .window = FilterBankOptions::Window::kHanning}),
        patch_embedding(patch_matrix(w / "vision_model" / "embeddings", c)),
        first((w / "vision_model" / "embeddings").f32("class_embedding", {c.audio.dim})),
        positions((w / "vision_model" / "embeddings" / "position_embedding")
                      .f32("weight", {patches_count() + 1, c.audio.dim})),
        pre_norm(w / "vision_model" / "pre_layrnorm", c.audio.dim, c.audio.eps),
        tower(w / "vision_model" / "encoder", c.audio),
        post_norm(w / "vision_model" / "post_layernorm", c.audio.dim, c.audio.eps),
        projection(w / "visual_projection", c.audio.dim, c.projection_dim, /*bias=*/false) {}

  int64_t patches_count() const {
    return config.mel_bins / config.patch * (config.frames / config.patch);
  }

  // Kernel and stride are equal: a matrix product on patches.
  static Linear patch_matrix(const Weights& embeddings, const Config& c) {
    const std::vector<float> kernel =
        (embeddings / "patch_embedding")
            .values("weight", {c.audio.dim, kChannels, c.patch, c.patch});
    return {embeddings.constant("patches (as a matrix)",
                                {c.audio.dim, kChannels * c.patch * c.patch}, kernel),
            nullptr};
  }

  /// The graph for so many sounds at once.
  Stage& stage_for(int64_t sounds) {
    std::unique_ptr<Stage>& stage = stages[sounds];
    if (!stage) stage = make(sounds);
    return *stage;
  }

  std::unique_ptr<Stage> make(int64_t sounds) const {
    auto stage = std::make_unique<Stage>(device);
    Graph& graph = stage->graph;
    ggml_context* c = graph.context();
    const int64_t dim = config.audio.dim;
    stage->patches = graph.input(
        GGML_TYPE_F32, {sounds, patches_count(), kChannels * config.patch * config.patch});
    ggml_tensor* classes = ggml_repeat_4d(c, first, dim, 1, sounds, 1);
    ggml_tensor* x = ggml_concat(c, classes, patch_embedding(graph, stage->patches), 1);
    x = pre_norm(graph, ggml_add(c, x, positions));
    x = tower(graph, x, nullptr, /*wanted=*/1);
    x = post_norm(graph, ggml_reshape_2d(c, x, dim, sounds));
    stage->embeddings = graph.output(projection(graph, x));
    return stage;
  }

  Device& device;
  Config config;
  FilterBanks banks;
  Linear patch_embedding;
  ggml_tensor* first;
  ggml_tensor* positions;
  LayerNorm pre_norm;
  Tower tower;
  LayerNorm post_norm;
  Linear projection;
  std::map<int64_t, std::unique_ptr<Stage>> stages;  // by number of sounds
};

LanguageBind::LanguageBind(const std::filesystem::path& path, Device& device)
    : weights_(Weights::open(path, device)),
      config_(Config::read(weights_.file())),
      tokenizer_(config_.merges) {
  if (static_cast<int64_t>(tokenizer_.size()) != config_.vocabulary) {
    throw Error(ErrorKind::kModel, path.string() + ": its merges make " +
                                       std::to_string(tokenizer_.size()) + " tokens, expected " +
                                       std::to_string(config_.vocabulary));
  }
  text_ = std::make_unique<TextTower>(weights_, config_);
  if (config_.has_audio) audio_ = std::make_unique<AudioTower>(weights_, config_);
}

LanguageBind::~LanguageBind() = default;

std::vector<float> LanguageBind::embed_text(std::string_view text) {
  std::vector<int32_t> ids = tokenizer_.encode(text, static_cast<size_t>(config_.max_tokens));
  const auto tokens = static_cast<int64_t>(ids.size());
  const auto [stage, room] = text_->stage_for(tokens);
  ids.resize(static_cast<size_t>(room), tokenizer_.end());
  stage.graph.write(stage.ids, ids);
  stage.graph.write(stage.end, std::vector<int32_t>{static_cast<int32_t>(tokens - 1)});
  stage.graph.run();
  return unit(stage.graph.read(stage.embedding));
}

LanguageBind::AudioTower& LanguageBind::audio() {
  if (audio_) return *audio_;
  throw Error(ErrorKind::kModel, weights_.file().path().string() + ": holds no network for sounds");
}

std::vector<float> LanguageBind::embed_audio(const Waveform& sound) {
  audio();
  const std::vector<float> patches = patches_of(sound);
  return embed({&patches, 1}).front();
}

std::vector<std::vector<float>> LanguageBind::embed_sounds(size_t count, const SoundAt& sound) {
  audio();
  std::vector<std::vector<float>> embeddings;
  // Batches of nearly one size, so that few graphs are made.
  const size_t batches = (count + kMostTogether - 1) / kMostTogether;
  for (size_t b = 0; b < batches; ++b) {
    std::vector<std::vector<float>> patches;
    for (size_t i = b * count / batches; i < (b + 1) * count / batches; ++i)
      patches.push_back(patches_of(sound(i)));
    std::ranges::move(embed(patches), std::back_inserter(embeddings));
  }
  return embeddings;
}

std::vector<float> LanguageBind::embed_audio(SoundSource& sound) {
  audio();
  size_t total = 0, read = kCountedAtOnce;
  for (; read == kCountedAtOnce; total += read)
    read = read_samples(sound, total, kCountedAtOnce).samples.size();
  const std::vector<float> patches = patches_of(total, [&](size_t first, size_t count) {
    std::vector<float> samples = read_samples(sound, first, count).samples;
    samples.resize(count);  // where a source gives less the second time
    return samples;
  });
  return embed({&patches, 1}).front();
}

std::vector<std::vector<float>> LanguageBind::embed(std::span<const std::vector<float>> patches) {
  AudioTower::Stage& stage = audio_->stage_for(static_cast<int64_t>(patches.size()));
  stage.graph.write(stage.patches,
                    std::vector<std::span<const float>>(patches.begin(), patches.end()));
  stage.graph.run();
  const std::vector<float> joint = stage.graph.read(stage.embeddings);
  std::vector<std::vector<float>> embeddings;
  for (auto at = joint.begin(); at != joint.end(); at += config_.projection_dim)
    embeddings.push_back(unit({at, at + config_.projection_dim}));
  return embeddings;
}

std::vector<float> LanguageBind::patches_of(const Waveform& sound) {
  expect_mono_16k(sound);
  return patches_of(sound.samples.size(), [&](size_t first, size_t count) {
    const auto start = sound.samples.begin() + static_cast<ptrdiff_t>(first);
    return std::vector<float>(start, start + static_cast<ptrdiff_t>(count));
  });
}

std::vector<float> LanguageBind::patches_of(size_t total, const Reader& read) {
  const FilterBanks& banks = audio_->banks;
  // The official code subtracts the whole sound's mean first; the filter banks take away each
  // frame's, so that it makes no difference.
  std::array<std::vector<float>, kChannels> chunks;
  if (total < kShortest) {
    std::vector<float> samples = read(0, total);
    samples.resize(kShortest);
    chunks.fill(banks(samples));
  } else {
    const int64_t frames = banks.frames(total);
    const std::array<int64_t, kChannels> starts = chunk_starts(frames, config_.frames);
    for (size_t i = 0; i < chunks.size(); ++i) {
      chunks[i] = i > 0 && starts[i] == starts[i - 1]
                      ? chunks[i - 1]
                      : banks(read(banks.start_of(starts[i]),
                                   banks.samples(std::min(frames, config_.frames))));
    }
  }

  const int64_t patch = config_.patch, columns = config_.frames / patch;
  std::vector<float> picture = fuse_chunks(chunks, config_.mel_bins, config_.frames);
  for (float& value : picture) value = (value - config_.mean) / (config_.std * 2);
  std::vector<float> patches;
  patches.reserve(picture.size());
  for (int64_t row = 0; row < config_.mel_bins / patch; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      for (int64_t channel = 0; channel < kChannels; ++channel) {
        for (int64_t y = 0; y < patch; ++y) {
          const int64_t line = channel * config_.mel_bins + row * patch + y;
          const float* from = picture.data() + line * config_.frames + column * patch;
          patches.insert(patches.end(), from, from + patch);
        }
      }
    }
  }
  return patches;
}

}  // namespace alref::language_bind
