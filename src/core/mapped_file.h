// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/error.h"

#include <cstddef>
#include <filesystem>
#include <span>

namespace alref {

/// A file mapped into memory, read-only, for as long as the object lives. Only a regular file can
/// be mapped. The file must not shrink meanwhile: the system then stops the process (SIGBUS), as
/// with any mapped file; whoever replaces one should rename a new file over it.
class MappedFile {
 public:
  /// Throws Error(`failure`) where the file cannot be opened or mapped.
  explicit MappedFile(const std::filesystem::path& path, ErrorKind failure = ErrorKind::kInput);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Gives back the memory of the pages that lie wholly within `part`, a part of bytes(). They are
  /// read from the file again when next touched.
  void release_pages(std::span<const std::byte> part) const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace alref
