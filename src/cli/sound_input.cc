// SPDX-License-Identifier: Apache-2.0
#include "cli/sound_input.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/terminal.h"
#include "core/is_stream.h"
#include "media/audio_reader.h"

namespace alref::cli {
namespace {

constexpr double kLongestHeld = 600;

class HeldSound : public SoundSource {
 public:
  explicit HeldSound(Waveform sound) : sound_(std::move(sound)) {}

  Waveform read(double begin, double end) override {
    const auto place = [this](double seconds) {
      const long long sample = std::llround(seconds * sound_.sample_rate);
      return sound_.samples.begin() +
             std::clamp<ptrdiff_t>(sample, 0, static_cast<ptrdiff_t>(sound_.samples.size()));
    };
    return {.sample_rate = sound_.sample_rate,
            .channels = sound_.channels,
            .samples = std::vector<float>(place(begin), place(end))};
  }

 private:
  Waveform sound_;
};

class InterruptibleSound : public SoundSource {
 public:
  explicit InterruptibleSound(std::unique_ptr<SoundSource> sound) : sound_(std::move(sound)) {}

  Waveform read(double begin, double end) override {
    Waveform part = sound_->read(begin, end);
    throw_if_interrupted();  // it may have ended a stream's writer, too
    return part;
  }

 private:
  std::unique_ptr<SoundSource> sound_;
};

}  // namespace

std::unique_ptr<SoundSource> open_sound_input(const std::string& path, bool read_again) {
  std::unique_ptr<SoundSource> sound;
  if (read_again && is_stream(path)) {
    sound = std::make_unique<HeldSound>(media::read_audio(path, {.max_seconds = kLongestHeld}));
  } else {
    sound = open_sound(path);
  }
  auto input = std::make_unique<InterruptibleSound>(std::move(sound));
  if (input->read(0, 1).samples.empty()) {
    throw Error(ErrorKind::kInput,
                (path == "-" ? "standard input" : path) + ": its sound track has no samples");
  }
  return input;
}

}  // namespace alref::cli
