// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gguf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "compute/device.h"
#include "compute/graph.h"
#include "compute/weights.h"

namespace alref::compute {

/// The device that operators are tested on; CTest runs their tests once for each that the build
/// has.
inline DeviceOptions test_device(int threads = 2, Precision precision = Precision::kF32) {
  const char* name = std::getenv("ALREF_TEST_DEVICE");
  return {.name = name ? name : "cpu", .threads = threads, .precision = precision};
}

/// Named tensors with seeded random values, written to a GGUF file and opened as weights: a network
/// under test needs no checkpoint.
class TinyModel {
 public:
  explicit TinyModel(const std::map<std::string, Shape>& shapes, unsigned seed = 1,
                     const DeviceOptions& options = test_device())
      : device_(options) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 1);
    for (const auto& [name, shape] : shapes) {
      int64_t count = 1;
      for (int64_t n : shape) count *= n;
      std::vector<float>& values = values_[name];
      for (int64_t i = 0; i < count; ++i) values.push_back(normal(random));
      shapes_[name] = shape;
    }
    path_ = std::filesystem::temp_directory_path() / ("alref-tiny-" + std::to_string(getpid()) +
                                                      "-" + std::to_string(next_id()++) + ".gguf");
    write();
  }
  ~TinyModel() { std::filesystem::remove(path_); }

  Device& device() { return device_; }
  const Weights& weights() {
    if (!weights_) weights_ = Weights::open(path_, device_);
    return *weights_;
  }
  const std::vector<float>& operator[](const std::string& name) const { return values_.at(name); }
  const std::filesystem::path& path() const { return path_; }

  /// Rows x through the linear layer `name` ("name.weight", "name.bias"), in double.
  std::vector<double> linear(const std::vector<double>& x, const std::string& name) const {
    const std::vector<float>&w = values_.at(name + ".weight"), &b = values_.at(name + ".bias");
    const size_t in = w.size() / b.size();
    std::vector<double> result;
    result.reserve(x.size() / in * b.size());
    for (size_t row = 0; row < x.size() / in; ++row) {
      for (size_t o = 0; o < b.size(); ++o) {
        double sum = b[o];
        for (size_t i = 0; i < in; ++i) sum += x[row * in + i] * w[o * in + i];
        result.push_back(sum);
      }
    }
    return result;
  }

  using Builder = std::function<ggml_tensor*(Graph&, std::vector<ggml_tensor*>)>;

  /// Runs what `build` makes of inputs with these shapes and values.
  std::vector<float> run(const std::vector<std::pair<Shape, std::vector<float>>>& inputs,
                         const Builder& build) {
    Graph g(device_);
    std::vector<ggml_tensor*> tensors;
    tensors.reserve(inputs.size());
    for (const auto& [shape, values] : inputs) tensors.push_back(g.input(GGML_TYPE_F32, shape));
    ggml_tensor* y = g.output(build(g, tensors));
    for (size_t i = 0; i < inputs.size(); ++i) g.write(tensors[i], inputs[i].second);
    g.run();
    return g.read(y);
  }

 private:
  static int& next_id() {
    static int id = 0;
    return id;
  }

  void write() {
    ggml_context* context = ggml_init({.mem_size = (shapes_.size() + 1) * ggml_tensor_overhead(),
                                       .mem_buffer = nullptr,
                                       .no_alloc = true});
    gguf_context* file = gguf_init_empty();
    for (const auto& [name, shape] : shapes_) {
      const std::vector<int64_t> ne(shape.rbegin(), shape.rend());
      ggml_tensor* tensor =
          ggml_new_tensor(context, GGML_TYPE_F32, static_cast<int>(ne.size()), ne.data());
      ggml_set_name(tensor, name.c_str());
      tensor->data = values_[name].data();
      gguf_add_tensor(file, tensor);
    }
    ASSERT_TRUE(gguf_write_to_file(file, path_.c_str(), false));
    gguf_free(file);
    ggml_free(context);
  }

  Device device_;
  std::map<std::string, Shape> shapes_;
  std::map<std::string, std::vector<float>> values_;
  std::filesystem::path path_;
  std::optional<Weights> weights_;
};

inline std::vector<float> random_values(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// |got - expected| / |expected|, both as vectors (L2 norms).
template <typename Expected>
double relative_error(const std::vector<float>& got, const Expected& expected) {
  EXPECT_EQ(got.size(), expected.size());
  if (got.size() != expected.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += static_cast<double>(expected[i]) * expected[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

}  // namespace alref::compute
