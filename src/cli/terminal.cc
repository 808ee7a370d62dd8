// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <utility>

#include <unistd.h>

namespace alref::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);

std::atomic<bool> stop_asked{false};

extern "C" void on_interrupt(int signal) {
  if (stop_asked.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

std::string duration(double seconds) {
  const auto s = std::llround(seconds);
  char text[32];
  if (s >= 3600) {
    std::snprintf(text, sizeof(text), "%ld:%02ld:%02ld", static_cast<long>(s / 3600),
                  static_cast<long>(s / 60 % 60), static_cast<long>(s % 60));
  } else {
    std::snprintf(text, sizeof(text), "%ld:%02ld", static_cast<long>(s / 60),
                  static_cast<long>(s % 60));
  }
  return text;
}

}  // namespace

ProgressBar::ProgressBar(std::string what, int64_t total, std::string unit)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      shown_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::update(int64_t done) {
  done_ = done;
  const auto now = Clock::now();
  if (!shown_ || now - last_draw_ < kRedrawEvery) return;
  draw(now);
}

void ProgressBar::finish() {
  if (!std::exchange(shown_, false)) return;
  draw(Clock::now());
  std::fputc('\n', stderr);
}

void ProgressBar::draw(Clock::time_point now) {
  last_draw_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = "\r\033[K" + what_ + " ";
  char numbers[96];
  if (total_ > 0) {
    const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    const int filled = static_cast<int>(share * kBarWidth);
    line += "[" + std::string(static_cast<size_t>(filled), '#') +
            std::string(static_cast<size_t>(kBarWidth - filled), '.') + "] ";
    std::snprintf(numbers, sizeof(numbers), "%ld/%ld %s, %.1f/s", static_cast<long>(done_),
                  static_cast<long>(total_), unit_.c_str(), rate);
    line += numbers;
    if (rate > 0 && done_ < total_)
      line += ", " + duration(static_cast<double>(total_ - done_) / rate) + " left";
  } else {
    std::snprintf(numbers, sizeof(numbers), "%ld %s, %.1f/s", static_cast<long>(done_),
                  unit_.c_str(), rate);
    line += numbers;
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() { return stop_asked; }

Error interruption() { return {ErrorKind::kInterrupted, "stopped; what was done so far is kept"}; }

void throw_if_interrupted() {
  if (stop_asked) throw interruption();
}

}  // namespace alref::cli
