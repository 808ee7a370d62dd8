// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <utility>

namespace alref {
namespace {

LogCallback& callback_slot() {
  static LogCallback callback;
  return callback;
}

}  // namespace

void set_log_callback(LogCallback callback) { callback_slot() = std::move(callback); }

void log(LogLevel level, std::string_view message) {
  if (const LogCallback& callback = callback_slot()) callback(level, message);
}

}  // namespace alref
