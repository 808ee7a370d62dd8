// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

namespace alref::testing {

/// A file in memory only (Linux), for readers that take a path: thousands a second, unlike files on
/// a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : fd_(::memfd_create("memory-file", MFD_CLOEXEC)) {
    const auto size = static_cast<ssize_t>(content.size());
    if (fd_ < 0 || ::write(fd_, content.data(), content.size()) != size) {
      throw std::runtime_error("no file in memory");
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace alref::testing
