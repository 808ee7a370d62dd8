// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "media/audio_reader.h"

constexpr int kSampleRate = 16000;  // that is asked for

extern "C" {
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

// Linked in place of libswresample's (--wrap). Its tables of 1,024 phases for whatever rate a
// damaged header claims took 70 % of the time, and what they hold is of no concern here. How large
// they would be is: they grow with the rate alone, since that of the result and the number of
// phases are always the same, and 268 MHz once filled the memory.
int __real_swr_init(SwrContext* context);
int __wrap_swr_init(SwrContext* context) {
  constexpr int kLog2Phases = 2;
  constexpr int64_t kHighestRate = 1'536'000;  // what the reader takes: a table of 13 MB
  int64_t from = 0, to = 0, phases = 0;
  if (av_opt_get_int(context, "in_sample_rate", 0, &from) < 0 ||
      av_opt_get_int(context, "out_sample_rate", 0, &to) < 0 ||
      av_opt_get_int(context, "phase_shift", 0, &phases) < 0)
    std::abort();
  if (from > kHighestRate || to != kSampleRate || phases > 10) std::abort();
  if (av_opt_set_int(context, "phase_shift", kLog2Phases, 0) < 0) std::abort();
  return __real_swr_init(context);
}
}

namespace {

/// A file in memory, since FFmpeg reads paths; the same one for every input.
class MemoryFile {
 public:
  MemoryFile() : file_(memfd_create("input", 0)) {
    if (file_ < 0) std::abort();
  }

  void write(const uint8_t* data, size_t size) {
    if (ftruncate(file_, 0) != 0 || pwrite(file_, data, size, 0) != static_cast<ssize_t>(size))
      std::abort();
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

// Several of the parts of two seconds in which a gap goes through the resampler. A damaged file may
// well claim an hour's gap, and an hour's silence shows nothing that this does not.
constexpr double kMostSeconds = 5;

}  // namespace

// Input: a file of any kind. All samples are finite numbers, and windows that overlap agree, as
// does one that lies before what was read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kStep = 1000;
  constexpr size_t kCount = 1500;
  static MemoryFile file;
  file.write(data, size);
  try {
    alref::media::AudioReader reader(file.path(),
                                     {.sample_rate = kSampleRate, .max_seconds = kMostSeconds});
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
