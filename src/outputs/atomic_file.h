// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace alref::outputs {

/// Whether a file is on the disk when commit() returns. Against a killed process the rename alone
/// protects; against a power cut only fsync does, which takes milliseconds: for the files that say
/// a run is complete.
enum class Durability { kRenamed, kSynced };

/// A file that appears under its name only when it is complete. Until commit() it is NAME.part in
/// the same folder, which is removed with the object and overwritten by the next run. Every failure
/// is an Error(kOutput) that names the file.
class AtomicFile {
 public:
  /// Creates NAME.part, and the folders above it where they are missing.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// The name to write under, for those who write by name themselves.
  const std::string& temporary_path() const { return temporary_; }
  void write(std::span<const uint8_t> bytes);
  void write(std::string_view text);
  /// Puts the file in place. To be called once; without it nothing appears.
  void commit(Durability durability = Durability::kSynced);

 private:
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

/// A whole file in one call.
void write_file(const std::string& path, std::span<const uint8_t> bytes,
                Durability durability = Durability::kSynced);
void write_file(const std::string& path, std::string_view text,
                Durability durability = Durability::kSynced);

/// A folder and those above it; there already is fine. Throws Error(kOutput).
void create_folders(const std::string& path);

}  // namespace alref::outputs
