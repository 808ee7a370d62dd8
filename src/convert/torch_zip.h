// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace alref::convert {

/// One file in a zip archive.
struct ZipEntry {
  std::span<const std::byte> data;  ///< within the archive's bytes
  uint64_t header_offset = 0;
  uint32_t crc32 = 0;
};

/// The files of a zip archive as torch.save writes it: all stored, none compressed.
///
/// The archive is not trusted. Rejected are: compressed or encrypted entries, several disks,
/// entries whose two headers disagree, that overlap each other or the directory, twins, names with
/// "..", and directories that do not end where the archive's trailer begins. Zip64 fields, which
/// PyTorch always writes, are read. Nothing is unpacked: what an entry holds is a part of the file,
/// so that no archive can grow.
class TorchZip {
 public:
  /// `source` is the name for messages. Throws Error(kModel).
  TorchZip(std::span<const std::byte> archive, std::string source);

  static bool looks_like_zip(std::span<const std::byte> bytes);

  const std::map<std::string, ZipEntry, std::less<>>& entries() const { return entries_; }
  /// The entry of that name, its checksum verified. Throws Error(kModel) where it is absent or
  /// damaged.
  std::span<const std::byte> read(std::string_view name) const;

 private:
  struct Directory {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    uint64_t entries = 0;
  };
  Directory find_directory() const;
  void read_directory(const Directory& directory);
  ZipEntry read_local_header(uint64_t offset, std::string_view name, uint64_t size,
                             uint64_t limit) const;
  void reject_overlaps() const;
  [[noreturn]] void fail(const std::string& message) const;

  std::span<const std::byte> archive_;
  std::string source_;
  std::map<std::string, ZipEntry, std::less<>> entries_;
};

}  // namespace alref::convert
