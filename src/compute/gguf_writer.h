// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/gguf_reader.h"
#include "core/atomic_file.h"

namespace alref::compute {

/// Writes a GGUF file (version 3) without holding its tensors: declare all metadata and tensors,
/// then begin(), write() each tensor's bytes in the order of declaration, finish(). The file
/// appears under its name only at finish().
///
/// Leading dimensions of 1 are kept, unlike in ggml's own writer.
/// Throws Error(kOutput) where the file cannot be written, Error(kInvalidArgument) for what the
/// format cannot hold or for a broken order of calls.
class GgufWriter {
 public:
  void set_integer(std::string_view key, int64_t value);
  void set_real(std::string_view key, double value);
  void set_flag(std::string_view key, bool value);
  void set_text(std::string_view key, std::string_view value);
  void set_integers(std::string_view key, std::span<const int64_t> values);
  void set_reals(std::string_view key, std::span<const double> values);
  void set_texts(std::string_view key, std::span<const std::string> values);

  /// A text that was set.
  std::optional<std::string> text(std::string_view key) const;

  /// Declares a tensor; `shape` outermost first, rows a multiple of the type's block.
  void add_tensor(std::string_view name, ggml_type type, std::span<const int64_t> shape);
  /// The declared tensors; their offsets count from the start of the data.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  void begin(const std::filesystem::path& path);
  /// The next tensor's bytes, or a part of them; several calls may make up one tensor.
  void write(std::span<const std::byte> bytes);
  void finish();

 private:
  void key(std::string_view name, uint32_t type);
  void list(uint32_t item_type, uint64_t count);
  template <typename T>
  void put(T value);
  void put_text(std::string_view text);
  void pad(uint64_t written);

  std::string values_;  // encoded metadata
  std::map<std::string, std::string, std::less<>> texts_;
  uint64_t keys_ = 0;
  std::vector<GgufTensor> tensors_;
  std::unique_ptr<AtomicFile> file_;
  size_t next_ = 0;       // tensor that write() fills
  uint64_t written_ = 0;  // of its bytes
};

}  // namespace alref::compute
