// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

namespace alref::bench {

/// What a benchmark counts. Where other programs are running, the processor's time of a single
/// thread is steadier than the time on the clock.
class Stopwatch {
 public:
  explicit Stopwatch(bool processor_time = false)
      : clock_(processor_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC) {}

  /// Seconds on the clock, or of the processor over all threads.
  template <typename Work>
  double seconds(const Work& work) const {
    const double begin = now();
    work();
    return now() - begin;
  }

 private:
  double now() const {
    timespec t{};
    clock_gettime(clock_, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }

  clockid_t clock_;
};

}  // namespace alref::bench
