// SPDX-License-Identifier: Apache-2.0
#include "outputs/atomic_file.h"

#include "alref/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace alref::outputs {
namespace {

[[noreturn]] void fail(const std::string& path, int code) {
  throw Error(ErrorKind::kOutput, path + ": cannot be written: " + std::strerror(code));
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// So that the new name, too, outlives a power cut. Some file systems cannot, which is no reason to
// fail.
void sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".part") {
  create_folders(folder_of(path_));
  // A link left under that name is replaced, not followed.
  ::unlink(temporary_.c_str());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, errno);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void AtomicFile::write(std::string_view text) {
  write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void AtomicFile::commit(Durability durability) {
  if (durability == Durability::kSynced && ::fsync(descriptor_) != 0 && errno != EINVAL &&
      errno != ENOTSUP) {
    fail(path_, errno);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, errno);
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 && errno != EINTR) fail(path_, errno);
  if (durability == Durability::kSynced) sync_folder(folder_of(path_));
}

void write_file(const std::string& path, std::span<const uint8_t> bytes, Durability durability) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit(durability);
}

void write_file(const std::string& path, std::string_view text, Durability durability) {
  AtomicFile file(path);
  file.write(text);
  file.commit(durability);
}

void create_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw Error(ErrorKind::kOutput, path + ": the folder cannot be made: " + error.message());
  }
}

}  // namespace alref::outputs
