// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alref {

/// Whether a file is on the disk when commit() returns. Against a killed process the rename alone
/// protects; against a power cut only fsync does, which takes milliseconds: for the files that say
/// a run is complete.
enum class Durability { kRenamed, kSynced };

/// A file that appears under its name only when it is complete. Until commit() it is NAME.part in
/// the same folder, which is removed with the object; what a killed process left of it is replaced
/// by the next one. A file that was there before stays as it was until then. All members throw
/// Error(kOutput), naming the target and the system's reason.
class AtomicFile {
 public:
  /// Creates NAME.part, and the folders above it where they are missing. A target that is there and
  /// is no regular file (a folder, a device, a pipe) is an error.
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// For those who write by name themselves (then write() is not to be used).
  std::string temporary_path() const { return temporary_.string(); }

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  /// Bytes written so far.
  uint64_t size() const { return size_; }

  /// Renames to the target. To be called once.
  void commit(Durability durability = Durability::kSynced);

 private:
  [[noreturn]] void fail(std::string_view what) const;
  void flush();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::vector<std::byte> buffer_;
};

/// A whole file in one call.
void write_file(const std::filesystem::path& target, std::span<const uint8_t> bytes,
                Durability durability = Durability::kSynced);
void write_file(const std::filesystem::path& target, std::string_view text,
                Durability durability = Durability::kSynced);

/// A folder and those above it; one that is there already is fine. Throws Error(kOutput).
void create_folders(const std::filesystem::path& path);

}  // namespace alref
