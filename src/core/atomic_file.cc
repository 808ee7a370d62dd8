// SPDX-License-Identifier: Apache-2.0
#include "core/atomic_file.h"

#include "alref/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace alref {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A rename would put a plain file where a device such as /dev/null or a pipe was: for good, and for
// every program of the machine.
void refuse_all_but_files(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(ErrorKind::kOutput, path.string() + ": is not a regular file");
  }
}

// So that the new name, too, outlives a power cut. Some file systems cannot, which is no reason to
// fail.
void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target)
    : target_(target), temporary_(target.string() + ".part") {
  create_folders(folder_of(target_));
  refuse_all_but_files(target_);
  ::unlink(temporary_.c_str());  // a link of that name is replaced, not followed
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) fail("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const size_t part = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
    bytes = bytes.subspan(part);
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void AtomicFile::flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno != EINTR) fail("cannot be written");
    if (n > 0) done += static_cast<size_t>(n);
  }
  buffer_.clear();
}

void AtomicFile::commit(Durability durability) {
  flush();
  const bool synced = durability == Durability::kSynced;
  if (synced && ::fsync(fd_) != 0) fail("cannot be written");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot be renamed into place");
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) fail("cannot be written");
  if (synced) sync_folder(folder_of(target_));
}

void AtomicFile::fail(std::string_view what) const {
  const char* reason = std::strerror(errno);
  throw Error(ErrorKind::kOutput, target_.string() + ": " + std::string(what) + ": " + reason);
}

void write_file(const std::filesystem::path& target, std::span<const uint8_t> bytes,
                Durability durability) {
  AtomicFile file(target);
  file.write(std::as_bytes(bytes));
  file.commit(durability);
}

void write_file(const std::filesystem::path& target, std::string_view text, Durability durability) {
  AtomicFile file(target);
  file.write(text);
  file.commit(durability);
}

void create_folders(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw Error(ErrorKind::kOutput,
                path.string() + ": the folder cannot be made: " + error.message());
  }
}

}  // namespace alref
