// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "media/audio_reader.h"

namespace {

/// A file in memory: FFmpeg reads paths.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : file_(memfd_create("input", 0)) {
    if (file_ < 0 || write(file_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

}  // namespace

// Input: a file of any kind. All samples are finite numbers, and windows that overlap agree, as
// does one that lies before what was read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kStep = 1000;
  constexpr size_t kCount = 1500;
  const MemoryFile file(data, size);
  try {
    alref::media::AudioReader reader(file.path(), {.sample_rate = 16000, .max_seconds = 60});
    const auto first = reader.window(0, kCount).samples,
               second = reader.window(kStep, kCount).samples;
    if (first.size() > kCount || second.size() > kCount) std::abort();
    for (const float sample : first) {
      if (!std::isfinite(sample)) std::abort();
    }
    const size_t common = first.size() > kStep ? first.size() - kStep : 0;
    if (second.size() < common) std::abort();
    for (size_t i = 0; i < common; ++i) {
      if (first[kStep + i] != second[i]) std::abort();
    }
    if (reader.window(0, kCount).samples != first) std::abort();
    reader.window(int64_t{1} << 40, 1);  // to the end
  } catch (const alref::Error&) {
  }
  return 0;
}
