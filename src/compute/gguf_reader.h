// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/mapped_file.h"
#include "ggml.h"

namespace alref {
class ByteReader;
}

namespace alref::compute {

/// One tensor of a GGUF file: where its numbers lie, nothing is loaded.
struct GgufTensor {
  std::string name;
  ggml_type type = GGML_TYPE_F32;
  std::vector<int64_t>
      shape;  ///< outermost first, as PyTorch prints it; at most 4 dimensions, all positive
  uint64_t offset = 0;  ///< of the first byte, from the start of the file
  size_t bytes = 0;

  int64_t elements() const;
};

/// "[256, 3, 7, 7]", as shapes are written in messages.
std::string shape_text(std::span<const int64_t> shape);

/// A GGUF file (versions 2 and 3, little-endian; ggml's docs/gguf.md), mapped into memory.
///
/// The file is not trusted: every count, length, type, shape and offset is checked when it is
/// opened, so that all that this class hands out lies within the file and no two tensors overlap.
/// Nothing is allocated beyond a small multiple of the bytes that the file's header really has.
///
/// Threads: const after open(); may be shared freely.
class GgufFile {
 public:
  /// Throws Error(kModel), naming the file, the tensor or key, and the values expected and found.
  static std::shared_ptr<const GgufFile> open(const std::filesystem::path& path);

  /// The same for a file that is in memory already, such as one embedded in the program. `bytes`
  /// must live longer and begin at a multiple of 64, as tensors are used where they lie; `name` is
  /// for messages.
  static std::shared_ptr<const GgufFile> open_memory(std::span<const std::byte> bytes,
                                                     std::string_view name);

  const std::filesystem::path& path() const { return path_; }

  /// All tensors, in the order of the file.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// The tensor of that name, or null.
  const GgufTensor* find(std::string_view name) const;
  /// The whole mapped file.
  std::span<const std::byte> bytes() const { return bytes_; }
  /// A tensor's bytes in the mapped file.
  std::span<const std::byte> data(const GgufTensor& tensor) const;
  /// Gives back the memory of a tensor's mapped pages, once it has been copied elsewhere.
  void release_pages(const GgufTensor& tensor) const {
    if (file_) file_->release_pages(data(tensor));
  }

  // Metadata. A getter returns nothing where the key is absent and throws Error(kModel) where its
  // value is of another kind. Integers of all widths count as integers; reals may also be integers.
  bool has(std::string_view key) const { return values_.count(key) > 0; }
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::vector<int64_t>> integers(std::string_view key) const;
  std::optional<std::vector<double>> reals(std::string_view key) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;

  /// All keys in the order of the file.
  const std::vector<std::string_view>& keys() const { return keys_; }
  /// A key's value for people: numbers and texts as they are, of a list the first `limit` items.
  std::string display(std::string_view key, size_t limit = 8) const;

 private:
  /// A metadata value, still encoded; lists are decoded when asked for.
  struct Value {
    uint32_t type = 0;  ///< of the value, or of a list's items
    bool is_list = false;
    uint64_t count = 1;
    std::span<const std::byte> bytes;
  };

  GgufFile(std::unique_ptr<MappedFile> file, std::filesystem::path path,
           std::span<const std::byte> bytes);
  void read_values(ByteReader& in, uint64_t count);
  Value read_value(ByteReader& in, std::string_view key);
  void read_tensors(ByteReader& in, uint64_t count);
  void place_tensors(uint64_t header_bytes);
  void index_names();
  void reject_overlaps() const;

  const Value* value(std::string_view key, bool is_list, std::string_view expected) const;
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_kind(std::string_view key, const Value& value,
                              std::string_view expected) const;

  std::unique_ptr<MappedFile> file_;  // none of a file in memory
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
  std::map<std::string_view, Value> values_;  // the keys point into bytes_
  std::vector<std::string_view> keys_;
  std::vector<GgufTensor> tensors_;
  std::vector<uint32_t> by_name_;  // indices into tensors_, sorted by name
};

}  // namespace alref::compute
