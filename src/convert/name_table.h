// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "convert/checkpoint.h"

namespace alref::convert {

/// What a tensor is for, which decides the types that it may be stored in.
enum class Role {
  kKeep,    ///< biases, norms, position tables and other small things: always f32
  kMatrix,  ///< the matrix of a matrix product, or a table of embeddings
  kKernel,  ///< of a convolution
};

/// A tensor that a network expects: its official name and shape.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  Role role = Role::kKeep;
};

/// All tensors of a network, in the words of PyTorch's modules.
class NameTable {
 public:
  const std::vector<TensorSpec>& specs() const { return specs_; }

  void keep(const std::string& name, std::vector<int64_t> shape);
  void matrix(const std::string& name, std::vector<int64_t> shape);
  void kernel(const std::string& name, std::vector<int64_t> shape);
  /// nn.Linear: weight [out, in] and bias [out].
  void linear(const std::string& name, int64_t out, int64_t in, bool bias = true);
  /// nn.LayerNorm, nn.GroupNorm, LayerNorm2d: weight and bias [dim].
  void norm(const std::string& name, int64_t dim);
  /// nn.Conv2d: weight [out, in, height, width] and bias [out].
  void conv(const std::string& name, int64_t out, int64_t in, int64_t height, int64_t width,
            bool bias = true);
  /// The official MLP class: layers.0 ... of in -> hidden -> ... -> out.
  void mlp(const std::string& name, int64_t in, int64_t hidden, int64_t out, int64_t layers);

 private:
  std::vector<TensorSpec> specs_;
};

/// A network's tensors as a checkpoint holds them, under official names. A tensor may be made of
/// parts that follow each other along the first dimension (query, key and value).
class Inputs {
 public:
  using Parts = std::vector<const SourceTensor*>;

  explicit Inputs(Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  /// Adds part number `part` of a tensor; `source_name` is the checkpoint's own name, for messages.
  void add(const std::string& name, size_t part, const std::string& source_name,
           const SourceTensor& tensor);
  /// Adds a tensor that must equal `name`, because modules share it, and is not kept.
  void add_twin(const std::string& name, const std::string& source_name,
                const SourceTensor& tensor);

  Checkpoint& checkpoint() const { return checkpoint_; }
  bool has(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  const Parts& parts(std::string_view name) const;
  /// Length of a dimension, by which a network's sizes are known. Throws Error(kModel) where the
  /// tensor or the dimension is missing, or longer than any network's.
  int64_t length(std::string_view name, size_t dimension) const;
  /// How many of prefix0suffix, prefix1suffix, ... there are without a gap.
  int64_t count(std::string_view prefix, std::string_view suffix) const;

  /// Compares with what the network expects. Throws one Error(kModel) that lists all tensors that
  /// are missing, unknown, or have another shape, and those that differ from their twins.
  void check(const NameTable& table, std::string_view variant) const;

 private:
  struct Tensor {
    Parts parts;
    std::vector<std::string> source_names;
  };
  struct Twin {
    std::string name;
    std::string source_name;
    const SourceTensor* tensor;
  };
  std::vector<int64_t> shape(const Tensor& tensor) const;
  bool equals_twin(const Twin& twin) const;

  Checkpoint& checkpoint_;
  std::map<std::string, Tensor, std::less<>> tensors_;
  std::vector<Twin> twins_;
};

}  // namespace alref::convert
