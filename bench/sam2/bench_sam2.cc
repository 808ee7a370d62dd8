// SPDX-License-Identifier: Apache-2.0
// Time of a frame of SAM 2's video predictor by stage, with full memory, beside the operations of
// the official formulation and the rates of large matrix products in the same run: oneDNN's, which
// is the limit of the docs, and our own on the same device. See docs/performance.md.
#include "alref/error.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>

#include <CLI/CLI.hpp>

#include "compute/graph.h"
#include "perception/sam2/network.h"
#include "sam2/flops.h"
#include "stopwatch.h"

#ifdef ALREF_ONEDNN
#include "onednn_product.h"
#endif

namespace alref::sam2 {

namespace {

std::vector<float> noise(int64_t count, float size) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

// GFLOPS of our product of 4096 x 4096 with 4096 x 4096, the best of some runs.
double own_rate(compute::Device& device, int runs, const bench::Stopwatch& stopwatch) {
  constexpr int64_t kSide = 4096;
  compute::DeviceTensor weight(device, GGML_TYPE_F32, {kSide, kSide});
  weight.write(noise(kSide * kSide, 1));
  ggml_backend_buffer_set_usage(weight.tensor()->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  compute::Graph g(device);
  ggml_tensor* x = g.input(GGML_TYPE_F32, {kSide, kSide});
  g.output(ggml_mul_mat(g.context(), weight.tensor(), x));
  const std::vector<float> values = noise(kSide * kSide, 1);
  double best = 1e9;
  for (int i = 0; i <= runs; ++i) {
    g.write(x, values);
    const double t = stopwatch.seconds([&] { g.run(); });
    if (i > 0) best = std::min(best, t);  // the first run packs
  }
  device.forget_weights(weight.tensor()->data, weight.bytes());
  return 2e-9 * kSide * kSide * kSide / best;
}

struct Stage {
  const char* name;
  double gflop;
  std::function<void()> run;
  double best = 1e9;
};

void run(const std::string& model, const DeviceOptions& options, int runs, int objects,
         const std::string& only, const bench::Stopwatch& stopwatch) {
  auto device = std::make_shared<compute::Device>(options);
  Network network(model, device);
  const Config& config = network.config();
  const int64_t frames = config.memory.frames, pointers = config.memory.pointers;
  const int64_t pixels = config.map_size() * config.map_size();
  const Flops flops = count_flops(config, frames, pointers);

  const std::vector<float> image = noise(config.image_size * config.image_size * 3, 1);
  MemoryTokens memory;
  const std::vector<float> frame_memory = noise(pixels * config.memory.dim, 1);
  for (int32_t i = 0; i < frames; ++i) {
    memory.frames.emplace_back(frame_memory);
    memory.times.push_back(i);
  }
  memory.pointers = noise(pointers * config.dim, 1);
  if (config.memory.pointers_have_time) memory.pointer_times = noise(pointers * config.dim, 1);
  const PromptPoints no_points{{{0, 0}}, {kNoPoint}};
  FloatMap mask(static_cast<int>(config.mask_size()), static_cast<int>(config.mask_size()));
  mask.values = noise(config.mask_size() * config.mask_size(), 4);

  std::vector<Stage> stages = {
      {"encoder", flops.encoder,
       [&] {
         network.encode([&](std::span<float> input) { std::ranges::copy(image, input.begin()); });
       }},
      {"memory attention", objects * flops.memory_attention,
       [&] {
         for (int i = 0; i < objects; ++i) network.condition(memory);
       }},
      {"decoder", objects * flops.decoder,
       [&] {
         for (int i = 0; i < objects; ++i)
           network.decode(Network::View::kConditioned, no_points, nullptr);
       }},
      {"memory encoder", objects * flops.memory_encoder, [&] {
         for (int i = 0; i < objects; ++i) network.remember(mask, false, true);
       }}};
  std::erase_if(stages,
                [&](const Stage& stage) { return !std::string(stage.name).starts_with(only); });
  double best_total = 1e9;
  for (int i = 0; i <= runs; ++i) {
    double total = 0;
    for (Stage& stage : stages) {
      const double t = stopwatch.seconds(stage.run);
      total += t;
      if (i > 0) stage.best = std::min(stage.best, t);
    }
    if (i > 0) best_total = std::min(best_total, total);
  }
  const bool bf16 = device->precision() == Precision::kBf16;
  const double own = own_rate(*device, runs, stopwatch);
#ifdef ALREF_ONEDNN
  const double rate = bench::onednn_limit(bf16, device->threads(), 8 * runs, stopwatch);
  std::printf("oneDNN's product 4096 x 1024 x 1024: %.0f GFLOPS, the limit; ", rate);
#else
  const double rate = own;
#endif
  std::printf("our product 4096^3: %.0f GFLOPS\n", own);

  std::printf(
      "%s %s, %lld px, %s, %d threads, %d object(s), %lld memories and %lld pointers; best of %d\n",
      config.version.c_str(), config.variant.c_str(), static_cast<long long>(config.image_size),
      bf16 ? "bf16" : "f32", device->threads(), objects, static_cast<long long>(frames),
      static_cast<long long>(pointers), runs);
  std::printf("%-18s %10s %10s %10s %15s %15s\n", "stage", "GFLOP", "seconds", "GFLOPS",
              "of the limit", "of our product");
  const auto print = [&](const char* name, double gflop, double time) {
    std::printf("%-18s %10.1f %10.3f %10.0f %14.0f%% %14.0f%%\n", name, gflop, time, gflop / time,
                100 * gflop / time / rate, 100 * gflop / time / own);
  };
  double gflop = 0;
  for (const Stage& stage : stages) {
    print(stage.name, stage.gflop, stage.best);
    gflop += stage.gflop;
  }
  print("frame", gflop, best_total);
}

}  // namespace
}  // namespace alref::sam2

int main(int argc, char** argv) {
  CLI::App app("Time of a frame of SAM 2's video predictor by stage, with full memory.");
  std::string model, only;
  alref::DeviceOptions options;
  bool f32 = false, processor_time = false;
  int runs = 4, objects = 1;
  app.add_option("--only", only, "Stages whose name begins so; for a profile of them");
  app.add_option("MODEL", model, "GGUF file")->required();
  app.add_flag("--f32", f32, "32-bit floats instead of bf16");
  app.add_option("--threads", options.threads, "CPU threads");
  app.add_option("--device", options.name,
                 "cpu, avx512-cpu (without AMX) or onednn-cpu (without kernels of our own)");
  app.add_flag("--processor-time", processor_time,
               "processor time of one thread instead of time on the clock: for busy machines");
  app.add_option("--runs", runs, "after one to warm up")->check(CLI::Range(1, 1000));
  app.add_option("--objects", objects, "that share the encoder")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  if (processor_time) options.threads = 1;
  options.precision = f32 ? alref::Precision::kF32 : alref::Precision::kBf16;
  try {
    alref::sam2::run(model, options, runs, objects, only, alref::bench::Stopwatch(processor_time));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_sam2: %s\n", error.what());
    return 1;
  }
  return 0;
}
