// SPDX-License-Identifier: Apache-2.0
#include "core/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/pages.h"

namespace alref {

MappedFile::MappedFile(const std::filesystem::path& path, ErrorKind failure) : path_(path) {
  const auto fail = [&](int fd, const std::string& why) {
    if (fd >= 0) ::close(fd);
    throw Error(failure, path.string() + ": " + why);
  };
  // O_NONBLOCK: opening a pipe must fail below, not wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail(fd, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0) fail(fd, std::string("cannot be read: ") + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) fail(fd, "is not a regular file");
  size_ = static_cast<size_t>(info.st_size);
  if (size_ > 0) {
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) fail(fd, std::string("cannot be mapped: ") + std::strerror(errno));
    data_ = static_cast<const std::byte*>(map);
  }
  ::close(fd);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release_pages(std::span<const std::byte> part) const {
  release_file_pages(part.data(), part.size());
}

}  // namespace alref
