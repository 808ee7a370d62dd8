// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace alref {

/// A file that appears under its name only when it is complete: it is written beside the target
/// under a temporary name and renamed by commit(). Without commit() nothing is left behind, and a
/// file that was there before stays as it was. All members throw Error(kOutput), naming the target
/// and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  /// Bytes written so far.
  uint64_t size() const { return size_; }

  /// Flushes to the disk and renames to the target.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what) const;
  void flush();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace alref
