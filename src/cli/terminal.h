// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/error.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace alref::cli {

/// A line on stderr that shows how far a long job is: count, share, rate and time left. Says
/// nothing where stderr is no terminal.
class ProgressBar {
 public:
  /// @param total  number of steps, or 0 where nobody knows
  ProgressBar(std::string what, int64_t total, std::string unit = "frames");
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(int64_t done);
  /// Ends the line; later updates are ignored.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  void draw(Clock::time_point now);

  std::string what_;
  std::string unit_;
  int64_t total_;
  int64_t done_ = 0;
  bool shown_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_{};
};

/// From now on Ctrl-C and SIGTERM ask for a clean stop; a second one ends the program at once.
void catch_interrupts();

/// Whether a clean stop was asked for.
bool interrupted();

/// What a clean stop ends with: Error(kInterrupted).
Error interruption();

/// Throws interruption() if a clean stop was asked for.
void throw_if_interrupted();

}  // namespace alref::cli
