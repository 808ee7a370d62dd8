// SPDX-License-Identifier: Apache-2.0
// Times GroundingDINO by stage on a picture of noise, and sets the time against what the official
// code's arithmetic would take at oneDNN's rate for large matrix products. Sub-sentences, tokens
// and pixels do not matter to the time.
#include <algorithm>
#include <cstdio>
#include <limits>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "perception/grounding_dino/network.h"
#include "perception/grounding_dino/swin.h"
#include "stopwatch.h"

#ifdef ALREF_ONEDNN
#include "onednn_product.h"
#endif

namespace {

using alref::compute::Device;
using alref::compute::MapSize;
using alref::compute::Weights;
namespace gd = alref::grounding_dino;

/// Multiplications and additions of the official code, in GFLOP, without norms and the sampling of
/// deformable attention.
struct Work {
  double backbone = 0, encoder = 0, decoder = 0;
  double total() const { return backbone + encoder + decoder; }
};

Work official_work(const gd::Config& c, const std::vector<MapSize>& levels, const MapSize& image,
                   double tokens) {
  const auto windows = [&](int64_t length) {
    const int64_t count = (length + c.swin.window - 1) / c.swin.window;
    return static_cast<double>(count);
  };
  Work w;
  MapSize map{image.height / gd::Swin::kPatch, image.width / gd::Swin::kPatch};
  w.backbone += 2.0 * 48 * static_cast<double>(map.pixels() * c.swin.embed_dim);
  for (size_t i = 0; i < c.swin.depths.size(); ++i) {
    const auto channels = static_cast<double>(c.swin.channels(static_cast<int64_t>(i)));
    const double n = static_cast<double>(c.swin.window * c.swin.window),
                 pixels = static_cast<double>(map.pixels());
    const double filled = windows(map.height) * windows(map.width) * n;
    const double block = filled * (8 * channels * channels + 4 * n * channels) +
                         pixels * 4 * channels * channels * c.swin.mlp_ratio;
    w.backbone += block * static_cast<double>(c.swin.depths[i]);
    map = {(map.height + 1) / 2, (map.width + 1) / 2};
    if (i + 1 < c.swin.depths.size())
      w.backbone += 16 * channels * channels * static_cast<double>(map.pixels());
  }
  double s = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    const size_t source = std::min(i, c.swin.out_indices.size() - 1);
    const double taps = i < c.swin.out_indices.size() ? 1 : 9;
    const double in = i <= c.swin.out_indices.size()
                          ? static_cast<double>(c.swin.channels(c.swin.out_indices[source]))
                          : static_cast<double>(c.d_model);
    w.encoder += 2 * taps * in * static_cast<double>(levels[i].pixels() * c.d_model);
    s += static_cast<double>(levels[i].pixels());
  }
  const auto d = static_cast<double>(c.d_model), ff = static_cast<double>(c.feedforward),
             f = static_cast<double>(c.fusion_dim);
  const auto q = static_cast<double>(c.queries);
  const auto samples = [&](int64_t points) {
    return static_cast<double>(3 * c.heads * c.levels * points);
  };
  w.encoder += static_cast<double>(c.encoder_layers) *
               (6 * (s + tokens) * d * f + 8 * s * tokens * f +
                s * (4 * d * d + 2 * d * samples(c.encoder_points) + 4 * d * ff));
  w.decoder += s * (6 * d * d + 8 * d + 2 * tokens * d);
  w.decoder += static_cast<double>(c.decoder_layers) *
               (2 * s * d * d + q * (12 * d * d + 4 * q * d + 4 * tokens * d + 2 * d * d +
                                     2 * d * samples(c.decoder_points) + 4 * d * ff + 6 * d * d +
                                     4 * d * d + 8 * d));
  w.backbone /= 1e9, w.encoder /= 1e9, w.decoder /= 1e9;
  return w;
}

int main_of(int argc, char** argv) {
  CLI::App app("Times GroundingDINO by stage.");
  std::string model, precision = "auto";
  int64_t height = 800, width = 1333, tokens = 12;
  int threads = 0, repeats = 5;
  bool processor_time = false;
  app.add_option("model", model, "GGUF file")->required();
  app.add_option("--height", height, "of the picture as the network sees it")
      ->capture_default_str();
  app.add_option("--width", width)->capture_default_str();
  app.add_option("--tokens", tokens)->capture_default_str();
  app.add_option("--threads", threads, "0: one per core");
  app.add_option("--repeats", repeats, "The best of so many counts")->capture_default_str();
  app.add_flag("--processor-time", processor_time,
               "processor time of one thread instead of time on the clock: for busy machines");
  app.add_option("--precision", precision, "auto, f32 or bf16")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}));
  CLI11_PARSE(app, argc, argv);
  if (processor_time) threads = 1;
  const alref::bench::Stopwatch stopwatch(processor_time);
  const auto seconds = [&](const auto& work) { return stopwatch.seconds(work); };

  Device device({.name = "cpu",
                 .threads = threads,
                 .precision = precision == "f32"    ? alref::Precision::kF32
                              : precision == "bf16" ? alref::Precision::kBf16
                                                    : alref::Precision::kAuto});
  const bool bf16 = device.precision() == alref::Precision::kBf16;
  gd::Network network(Weights::open(model, device));
  const MapSize size{(height + 3) / 4 * 4, (width + 3) / 4 * 4};
  std::vector<float> pixels(static_cast<size_t>(size.pixels()) * 3);
  uint32_t state = 1;
  for (float& p : pixels) {
    state = state * 1664525u + 1013904223u;
    p = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1;
  }
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] =
        static_cast<int32_t>((1000 + i) % static_cast<size_t>(network.config().bert.vocabulary));
  const std::vector<int32_t> separators = {ids.front(), ids.back(), ids[ids.size() / 2], -1};

  const auto write_pixels = [&](std::span<float> to) { std::ranges::copy(pixels, to.begin()); };
  constexpr int kStages = 5;
  const char* names[kStages] = {"text", "backbone and neck", "encoder", "query selection",
                                "decoder"};
  double best[kStages], best_total = std::numeric_limits<double>::infinity();
  std::fill(best, best + kStages, std::numeric_limits<double>::infinity());
  std::vector<double> totals;
  for (int i = 0; i <= repeats; ++i) {  // the first one packs weights
    gd::TextFeatures text;
    std::vector<float> logits;
    std::vector<int32_t> selected;
    const double times[kStages] = {seconds([&] { text = network.encode_text(ids, separators); }),
                                   seconds([&] { network.encode_image(write_pixels, 1, size); }),
                                   seconds([&] { logits = network.fuse(text); }), seconds([&] {
                                     selected = gd::select_queries(logits, 1, tokens,
                                                                   network.config().queries);
                                   }),
                                   seconds([&] { network.decode(selected); })};
    if (i == 0) continue;
    double total = 0;
    for (int k = 0; k < kStages; ++k) total += times[k], best[k] = std::min(best[k], times[k]);
    totals.push_back(total);
    best_total = std::min(best_total, total);
  }

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const Work work =
      official_work(network.config(), network.levels(), size, static_cast<double>(tokens));
  const double official[kStages] = {0, work.backbone, work.encoder, 0, work.decoder};
  std::printf(
      "%s, %d threads, %s, %ld x %ld, %ld tokens\n\n| stage | s | GFLOP of the official code |\n| "
      "--- | --- | --- |\n",
      model.c_str(), device.threads(), bf16 ? "bf16" : "f32", static_cast<long>(height),
      static_cast<long>(width), static_cast<long>(tokens));
  for (int k = 0; k < kStages; ++k)
    std::printf("| %s | %.4f | %.1f |\n", names[k], best[k], official[k]);
  std::printf("| whole, best of %zu | %.4f | %.1f |\n\nall:", totals.size(), best_total,
              work.total());
  for (double total : totals) std::printf(" %.3f", total);
  std::printf("\npeak memory %.0f MB, of it activations %.0f MB\n",
              static_cast<double>(usage.ru_maxrss) / 1024,
              static_cast<double>(device.scratch_bytes()) / (1 << 20));
#ifdef ALREF_ONEDNN
  const double rate = alref::bench::onednn_limit(bf16, device.threads(), 8 * repeats, stopwatch);
  std::printf(
      "oneDNN's product 4096 x 1024 x 1024: %.0f GFLOPS; the official work at that rate: %.3f s, "
      "%.0f %% of "
      "ours\n",
      rate, work.total() / rate, 100 * work.total() / rate / best_total);
#endif
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_gdino: %s\n", error.what());
    return 1;
  }
}
