// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ggml.h>

#include "compute/gguf_reader.h"

namespace alref::compute {

class Device;

/// Lengths of a tensor's dimensions, outermost first, as in PyTorch.
using Shape = std::vector<int64_t>;

/// A scope in the tensors of a model file, named as in PyTorch's state_dict: `weights / "neck" /
/// "convs" / 0`. Cheap to copy; every copy keeps the file mapped and its tensors on the device.
/// Layers hold bare tensors: a network keeps the Weights that it was built from. The device must
/// outlive them all.
class Weights {
 public:
  /// Maps `path` and puts its tensors on `device` (on the host: without a copy).
  /// Throws Error(kModel) for a damaged file.
  static Weights open(const std::filesystem::path& path, Device& device);

  Weights operator/(std::string_view child) const;
  Weights operator/(int64_t child) const;

  /// This scope's full name, such as "image_encoder.trunk.blocks.0".
  const std::string& scope() const { return scope_; }
  bool has(std::string_view name) const;

  /// The tensor `name` of this scope in the file's own type, for matrix products.
  /// Throws Error(kModel) where it is missing or has another shape; leading dimensions of 1 do not
  /// count.
  ggml_tensor* tensor(std::string_view name, const Shape& shape) const;
  /// The same as f32, for everything that is not a matrix product (biases, norms, embeddings).
  ggml_tensor* f32(std::string_view name, const Shape& shape) const;
  /// Its values on the host, for what is folded when a network is built.
  std::vector<float> values(std::string_view name, const Shape& shape) const;

  /// A new f32 tensor that lives as long as these weights: a table computed, or weights folded, at
  /// construction.
  ggml_tensor* constant(std::string_view name, const Shape& shape,
                        std::span<const float> values) const;

  /// Hyper-parameters and other metadata.
  const GgufFile& file() const;
  Device& device() const;

 private:
  struct Model;

  Weights(std::shared_ptr<Model> model, std::string scope)
      : model_(std::move(model)), scope_(std::move(scope)) {}
  std::string full_name(std::string_view name) const;
  const GgufTensor& find(std::string_view name, const Shape& shape) const;

  std::shared_ptr<Model> model_;
  std::string scope_;
};

}  // namespace alref::compute
