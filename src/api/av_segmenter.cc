// SPDX-License-Identifier: Apache-2.0
#include "alref/av_segmenter.h"

#include <cmath>

#include "api/av_engine.h"
#include "api/networks.h"
#include "media/audio_reader.h"

namespace alref {
namespace {

class FileSound : public SoundSource {
 public:
  explicit FileSound(const std::string& path) : reader_(path) {}

  Waveform read(double begin, double end) override {
    const auto sample = [&](double seconds) {
      return static_cast<int64_t>(std::llround(seconds * reader_.sample_rate()));
    };
    return reader_.window(sample(begin), static_cast<size_t>(sample(end) - sample(begin)));
  }

 private:
  media::AudioReader reader_;
};

pipeline::Listeners listeners_of(SoundNetworks& networks) {
  pipeline::Listeners listeners;
  for (const auto& tagger : networks.taggers) listeners.taggers.push_back(tagger.get());
  listeners.matcher = networks.matcher.get();
  listeners.classes = &networks.class_matcher();
  return listeners;
}

}  // namespace

std::unique_ptr<SoundSource> open_sound(const std::string& path) {
  return std::make_unique<FileSound>(path);
}

struct AvSegmenter::State {
  State(std::shared_ptr<Models> shared, const AvOptions& options)
      : models(std::move(shared)),
        engine(*models->networks().detector, *models->networks().segmenter,
               listeners_of(models->networks().sound()),
               models->networks().identity + "\n" + models->networks().sound().identity, options) {}

  std::shared_ptr<Models> models;
  AvEngine engine;
};

AvSegmenter::AvSegmenter(std::shared_ptr<Models> models, const AvOptions& options)
    : state_(std::make_unique<State>(std::move(models), options)) {}
AvSegmenter::~AvSegmenter() = default;
AvSegmenter::AvSegmenter(AvSegmenter&&) noexcept = default;
AvSegmenter& AvSegmenter::operator=(AvSegmenter&&) noexcept = default;

AvResult AvSegmenter::segment(FrameSource& frames, SoundSource& sound, AvMaskSink& masks) {
  return state_->engine.segment(frames, &sound, nullptr, masks);
}

AvResult AvSegmenter::segment_like(FrameSource& frames, const Waveform& reference,
                                   AvMaskSink& masks) {
  return state_->engine.segment(frames, nullptr, &reference, masks);
}

const AvCosts& AvSegmenter::costs() const { return state_->engine.costs(); }

}  // namespace alref
