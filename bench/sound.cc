// SPDX-License-Identifier: Apache-2.0
// Times what a run of `alref listen` does about a window's sound where two labels are told apart in
// every moment. Noise; wall seconds of each step, the first time (weights are read and packed) and
// again.
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "perception/beats/beats.h"
#include "perception/language_bind/language_bind.h"
#include "pipeline/lbru.h"
#include "stopwatch.h"

namespace {

template <typename Step>
void time(const char* name, Step step) {
  std::printf("  %-8s %.3f\n", name, alref::bench::Stopwatch().seconds(step));
}

}  // namespace

int main(int argc, char** argv) {
  std::string tagger, matcher;
  int moments = 5, repeats = 2;
  alref::DeviceOptions options;
  CLI::App app("Times the sound of one window.");
  app.add_option("TAGGER", tagger, "BEATs, a GGUF file")->required();
  app.add_option("MATCHER", matcher, "LanguageBind, a GGUF file")->required();
  app.add_option("--moments", moments, "of one second")->capture_default_str();
  app.add_option("--repeats", repeats, "runs")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads");
  CLI11_PARSE(app, argc, argv);
  try {
    using alref::pipeline::Lbru;
    alref::compute::Device device(options);
    alref::beats::Beats beats(tagger, device);
    alref::language_bind::LanguageBind language_bind(matcher, device);
    std::mt19937 random(1);
    std::normal_distribution<float> noise(0, 0.1f);
    alref::Waveform sound{.sample_rate = 16000, .channels = 1, .samples = {}};
    for (int i = 0; i < 16000 * moments; ++i) sound.samples.push_back(noise(random));
    for (int i = 0; i < repeats; ++i) {
      std::printf("run %d\n", i + 1);
      Lbru lbru({.taggers = {&beats}, .matcher = &language_bind, .classes = &language_bind});
      alref::reasoning::MomentTags heard;
      time("tags", [&] { lbru.tags(sound, 5); });
      time("moments", [&] { heard = lbru.moment_tags(sound, moments, 1); });
      time("labels", [&] {
        const std::vector<std::string> labels = {"drum kit", "bee"};
        lbru.labels_of(sound, Lbru::segments(heard, 1.1f), 1, labels, ", ");
      });
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_sound: %s\n", error.what());
    return 1;
  }
  return 0;
}
