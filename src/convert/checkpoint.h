// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "convert/torch_zip.h"
#include "convert/unpickler.h"
#include "core/mapped_file.h"

namespace alref::convert {

/// A tensor of a checkpoint: where its elements lie in the mapped file.
struct SourceTensor {
  ElementType type = ElementType::kF32;
  std::vector<int64_t> shape;    ///< outermost first
  std::vector<int64_t> strides;  ///< in elements
  uint64_t offset = 0;           ///< of the first element in `storage`
  std::span<const std::byte> storage;
  std::string entry;  ///< the zip entry that holds it; empty in safetensors

  int64_t elements() const;
  /// Elements begin, begin + 1, ... in row-major order, as f32.
  void read(uint64_t begin, std::span<float> out) const;
};

using SourceTensors = std::map<std::string, SourceTensor, std::less<>>;

/// The tensors of a safetensors file (github.com/huggingface/safetensors). Checked as its authors
/// ask: a header of at most 100 MB, no name twice, and data that the tensors cover without gap or
/// overlap. Throws Error(kModel).
SourceTensors read_safetensors(std::span<const std::byte> file, const std::string& source);

/// A checkpoint as its authors publish it: PyTorch's zip format or safetensors.
class Checkpoint {
 public:
  /// Throws Error(kModel) where the file is neither, damaged, or holds no tensors.
  explicit Checkpoint(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  /// By name; of a PyTorch file those under "model" or "state_dict" where it has one, without a
  /// leading "module.".
  const SourceTensors& tensors() const { return tensors_; }
  /// All that a PyTorch file holds; null for safetensors.
  const PickleValue* root() const { return pickle_ ? &pickle_->root() : nullptr; }

  /// Compares the checksum of the file's part that holds the tensor, once. Throws Error(kModel).
  void verify(const SourceTensor& tensor);
  /// Gives back the memory of a tensor that has been read.
  void release(const SourceTensor& tensor) const { file_.release_pages(tensor.storage); }

  [[noreturn]] void fail(const std::string& message) const;

 private:
  void read_torch_zip();
  void add_tensors(const PickleDict& state, const std::string& folder);

  MappedFile file_;
  std::unique_ptr<TorchZip> zip_;
  std::unique_ptr<Pickle> pickle_;
  SourceTensors tensors_;
  std::set<std::string, std::less<>> verified_;
};

}  // namespace alref::convert
