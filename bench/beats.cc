// SPDX-License-Identifier: Apache-2.0
// Times BEATs on noise: wall and processor seconds of each run, filter banks included, after one
// run that is not counted. bench/peers/beats_official.py runs it in turn with the official code.
#include "perception/beats/beats.h"

#include <cstdio>
#include <map>
#include <random>
#include <vector>

#include <CLI/CLI.hpp>

#include "stopwatch.h"

int main(int argc, char** argv) {
  using alref::Precision;
  static const std::map<std::string, Precision> kPrecisions = {
      {"auto", Precision::kAuto}, {"f32", Precision::kF32}, {"bf16", Precision::kBf16}};
  std::string model;
  double length = 10;
  int repeats = 5;
  alref::DeviceOptions options;
  CLI::App app("Times BEATs on noise.");
  app.add_option("MODEL", model, "a GGUF file")->required();
  app.add_option("--seconds", length, "of sound")->capture_default_str();
  app.add_option("--repeats", repeats, "counted runs")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads");
  app.add_option("--precision", options.precision, "auto, f32 or bf16")
      ->transform(CLI::CheckedTransformer(kPrecisions).description(""));
  CLI11_PARSE(app, argc, argv);
  try {
    alref::compute::Device device(options);
    alref::beats::Beats network(model, device);
    std::mt19937 random(1);
    std::normal_distribution<float> noise(0, 0.1f);
    std::vector<float> samples(static_cast<size_t>(16000 * length));
    for (float& s : samples) s = noise(random);
    network.run(samples);
    for (int i = 0; i < repeats; ++i) {
      double wall = 0;
      const double processor = alref::bench::Stopwatch(/*processor_time=*/true).seconds([&] {
        wall = alref::bench::Stopwatch().seconds([&] { network.run(samples); });
      });
      std::printf("%.4f wall %.4f processor\n", wall, processor);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_beats: %s\n", error.what());
    return 1;
  }
  return 0;
}
