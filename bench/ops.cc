// SPDX-License-Identifier: Apache-2.0
// Times operators on the shapes of real networks: our graphs, oneDNN's bare matrix product, ggml's
// CPU backend.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <ggml-alloc.h>
#include <ggml-cpu.h>

#include "compute/graph.h"
#include "compute/nn/attention.h"
#include "stopwatch.h"

#ifdef ALREF_ONEDNN
#include "onednn_product.h"
#endif

namespace alref::compute {
namespace {

/// linear NAME rows out in | attention NAME batch heads queries keys d dv [bias] [mask M]
struct Case {
  std::string kind, name;
  int64_t rows = 0, out = 0, in = 0;
  int64_t batch = 0, heads = 0, queries = 0, keys = 0, d = 0, dv = 0, masks = 0;
  bool bias = false;

  double flop() const {
    if (kind == "linear") return 2.0 * static_cast<double>(rows * out * in);
    return 2.0 * static_cast<double>(batch * heads * queries * keys * (d + dv));
  }
  std::string shape() const {
    std::ostringstream text;
    if (kind == "linear") {
      text << rows << " x " << out << " x " << in;
    } else {
      text << batch << " x " << heads << " x " << queries << " x " << keys << ", d " << d;
      if (dv != d) text << ", dv " << dv;
      if (bias) text << ", bias";
      if (masks) text << ", mask";
    }
    return text.str();
  }
};

std::vector<Case> read_cases(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw CLI::FileError::Missing(path);
  std::vector<Case> cases;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    Case c;
    if (!(words >> c.kind >> c.name)) continue;
    if (c.kind == "linear") {
      words >> c.rows >> c.out >> c.in;
    } else {
      words >> c.batch >> c.heads >> c.queries >> c.keys >> c.d >> c.dv;
    }
    if (!words) throw CLI::ValidationError(path, "'" + line + "': expected numbers");
    for (std::string option; words >> option;) {
      if (option == "bias") c.bias = true;
      if (option == "mask") words >> c.masks;
    }
    cases.push_back(c);
  }
  return cases;
}

std::vector<float> values(int64_t count, unsigned seed) {
  std::vector<float> result(static_cast<size_t>(count));
  uint32_t state = seed * 2654435761u + 1;
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1;
  }
  return result;
}

/// Something timed: its best time counts.
struct Contestant {
  std::function<void()> run;
  double best = std::numeric_limits<double>::infinity();
};

/// The contestants take turns of a few runs, so that all meet the same machine, and each finds the
/// caches as it left them itself: before a turn it runs once untimed.
void compete(const std::vector<Contestant*>& contestants, int repeats,
             const bench::Stopwatch& stopwatch) {
  constexpr int kTurn = 5;
  for (int done = 0; done < repeats; done += kTurn) {
    for (Contestant* c : contestants) {
      if (!c->run) continue;
      c->run();
      for (int i = done; i < std::min(repeats, done + kTurn); ++i)
        c->best = std::min(c->best, stopwatch.seconds(c->run));
    }
  }
}

/// A cell of the table; "-" where something was left out.
std::string cell(const char* format, double value) {
  if (!std::isfinite(value) || value == 0) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// Our graph for a case. What products multiply and attention attends with are tensors of
/// `activations`, as they are in the networks (bf16 where only such operators read them), and
/// weights, too. Products give f32, attention `results`.
class OurGraph {
 public:
  OurGraph(Device& device, const Case& c, ggml_type activations, ggml_type results)
      : graph_(device) {
    if (c.kind == "linear") {
      ggml_tensor* weight = leaf(activations, {c.out, c.in});
      ggml_backend_buffer_set_usage(weight->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
      graph_.output(ggml_mul_mat(graph_.context(), weight, leaf(activations, {c.rows, c.in})));
      return;
    }
    ggml_tensor* q = leaf(activations, {c.batch, c.queries, c.heads * c.d});
    ggml_tensor* k = leaf(activations, {c.batch, c.keys, c.heads * c.d});
    ggml_tensor* v = leaf(activations, {c.batch, c.keys, c.heads * c.dv});
    ggml_tensor* bias = c.bias ? leaf(GGML_TYPE_F32, {c.heads, c.queries, c.keys}) : nullptr;
    ggml_tensor* mask = c.masks ? leaf(GGML_TYPE_F32, {c.masks, c.queries, c.keys}) : nullptr;
    const float scale = 1 / std::sqrt(static_cast<float>(c.d));
    graph_.output(nn::attention(graph_, q, k, v, c.heads, scale, bias, mask, results));
  }
  ~OurGraph() {
    for (const DeviceTensor& t : leaves_)
      graph_.device().forget_weights(t.tensor()->data, t.bytes());
  }
  void run() { graph_.run(); }

 private:
  ggml_tensor* leaf(ggml_type type, const Shape& shape) {
    const DeviceTensor& t = leaves_.emplace_back(graph_.device(), type, shape);
    const int64_t count = ggml_nelements(t.tensor());
    const std::vector<float> v = values(count, static_cast<unsigned>(leaves_.size()));
    std::vector<std::byte> bytes(t.bytes());
    if (type == GGML_TYPE_F32) {
      std::memcpy(bytes.data(), v.data(), bytes.size());
    } else {
      ggml_fp32_to_bf16_row(v.data(), reinterpret_cast<ggml_bf16_t*>(bytes.data()), count);
    }
    ggml_backend_tensor_set(t.tensor(), bytes.data(), 0, bytes.size());
    return t.tensor();
  }

  Graph graph_;
  std::deque<DeviceTensor> leaves_;
};

/// The same in plain ggml on its CPU backend: mul_mat, or its fused attention with the mask as f16.
class GgmlGraph {
 public:
  GgmlGraph(const Case& c, int threads) : backend_(ggml_backend_cpu_init()) {
    ggml_backend_cpu_set_n_threads(backend_, threads);
    context_ = ggml_init({.mem_size = 64 * ggml_tensor_overhead() + ggml_graph_overhead(),
                          .mem_buffer = nullptr,
                          .no_alloc = true});
    ggml_tensor* y;
    if (c.kind == "linear") {
      y = ggml_mul_mat(context_, input(c.in, c.out, 1, 1), input(c.in, c.rows, 1, 1));
    } else {
      ggml_tensor* mask = nullptr;
      if (c.bias || c.masks) {
        mask = ggml_new_tensor_4d(context_, GGML_TYPE_F16, c.keys, c.queries, c.bias ? c.heads : 1,
                                  std::max<int64_t>(1, c.masks));
      }
      y = ggml_flash_attn_ext(context_, input(c.d, c.queries, c.heads, c.batch),
                              input(c.d, c.keys, c.heads, c.batch),
                              input(c.dv, c.keys, c.heads, c.batch), mask,
                              1 / std::sqrt(static_cast<float>(c.d)), 0, 0);
    }
    graph_ = ggml_new_graph(context_);
    ggml_build_forward_expand(graph_, y);
    buffer_ = ggml_backend_alloc_ctx_tensors(context_, backend_);
    ggml_backend_buffer_clear(buffer_, 0);
    unsigned seed = 1;
    for (ggml_tensor* t : inputs_) {
      const std::vector<float> v = values(ggml_nelements(t), seed++);
      ggml_backend_tensor_set(t, v.data(), 0, ggml_nbytes(t));
    }
  }
  ~GgmlGraph() {
    ggml_backend_buffer_free(buffer_);
    ggml_free(context_);
    ggml_backend_free(backend_);
  }
  void run() { ggml_backend_graph_compute(backend_, graph_); }

 private:
  ggml_tensor* input(int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3) {
    return inputs_.emplace_back(ggml_new_tensor_4d(context_, GGML_TYPE_F32, ne0, ne1, ne2, ne3));
  }

  ggml_backend_t backend_;
  ggml_context* context_;
  ggml_cgraph* graph_;
  ggml_backend_buffer_t buffer_;
  std::vector<ggml_tensor*> inputs_;
};

ggml_type type_of(const std::string& name) {
  return name == "bf16" ? GGML_TYPE_BF16 : GGML_TYPE_F32;
}

int main_of(int argc, char** argv) {
  CLI::App app(
      "Times operators: our graphs against oneDNN's bare matrix product and ggml's CPU backend.");
  std::vector<std::string> files;
  int threads = 0, repeats = 10;
  bool with_ggml = true, with_bare = true, processor_time = false;
  std::string precision = "auto", activations, results = "f32", only, name = "cpu";
  app.add_option("shapes", files, "Files of shapes (bench/shapes)")->required();
  app.add_option("--threads", threads, "0: one per core");
  app.add_option("--repeats", repeats, "The best of so many counts")->check(CLI::Range(1, 1000));
  app.add_option("--precision", precision, "auto, f32 or bf16")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}));
  app.add_option("--activations", activations,
                 "What our operators are given, f32 or bf16: the precision by default")
      ->check(CLI::IsMember({"f32", "bf16"}));
  app.add_option("--results", results, "What our attention gives, f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}));
  app.add_option("--only", only, "Cases whose name contains this");
  app.add_option("--device", name,
                 "cpu, avx512-cpu (without AMX) or onednn-cpu (without kernels of our own)");
  app.add_flag("--processor-time", processor_time,
               "Count the processor's time: for one thread on a machine that others use too");
  app.add_flag("!--no-ggml", with_ggml, "Leave ggml's CPU backend out");
  app.add_flag("!--no-onednn", with_bare, "Leave oneDNN's bare product out");
  CLI11_PARSE(app, argc, argv);
  if (processor_time) threads = 1;
  const bench::Stopwatch stopwatch(processor_time);

  Device device({.name = name,
                 .threads = threads,
                 .precision = precision == "f32"    ? Precision::kF32
                              : precision == "bf16" ? Precision::kBf16
                                                    : Precision::kAuto});
  const bool bf16 = device.precision() == Precision::kBf16;
  if (activations.empty()) activations = bf16 ? "bf16" : "f32";
  std::printf("threads %d, %s, activations %s, attention's results %s; GFLOPS, best of %d\n\n",
              device.threads(), bf16 ? "bf16" : "f32", activations.c_str(), results.c_str(),
              repeats);
  std::printf(
      "| case | shape | alref | oneDNN | of it | ggml CPU | times it |\n| --- | --- | --- | --- | "
      "--- | --- | --- |\n");
  for (const std::string& file : files) {
    for (const Case& c : read_cases(file)) {
      if (c.name.find(only) == std::string::npos) continue;
      OurGraph ours(device, c, type_of(activations), type_of(results));
      Contestant our{[&] { ours.run(); }}, bare, plain;
#ifdef ALREF_ONEDNN
      // Attention is measured against the product that networks are.
      const Case product = c.kind == "linear" ? c
                                              : Case{.kind = "linear",
                                                     .name = "",
                                                     .rows = bench::kLimitRows,
                                                     .out = bench::kLimitSide,
                                                     .in = bench::kLimitSide};
      bench::OnednnProduct raw(product.rows, product.out, product.in, bf16, device.threads());
      if (with_bare) bare.run = [&] { raw.run(); };
      const double raw_flop = product.flop();
#else
      const double raw_flop = 0;
#endif
      std::optional<GgmlGraph> theirs;
      if (with_ggml) {
        theirs.emplace(c, device.threads());
        plain.run = [&] { theirs->run(); };
      }
      compete({&our, &bare}, repeats, stopwatch);
      compete({&plain}, std::min(repeats, 2), stopwatch);  // slow, and far from the bars
      const double rate = c.flop() / our.best * 1e-9, raw_rate = raw_flop / bare.best * 1e-9,
                   plain_rate = c.flop() / plain.best * 1e-9;
      std::printf("| %s | %s | %.0f | %s | %s | %s | %s |\n", c.name.c_str(), c.shape().c_str(),
                  rate, cell("%.0f", raw_rate).c_str(),
                  cell("%.0f %%", 100 * rate / raw_rate).c_str(), cell("%.0f", plain_rate).c_str(),
                  cell("%.1f", rate / plain_rate).c_str());
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace alref::compute

int main(int argc, char** argv) {
  try {
    return alref::compute::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_ops: %s\n", error.what());
    return 1;
  }
}
