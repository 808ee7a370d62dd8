// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

namespace alref {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogCallback = std::function<void(LogLevel, std::string_view message)>;

/// Where the library's messages go; by default nowhere. The library itself never prints.
/// Not to be changed while other threads use the library.
void set_log_callback(LogCallback callback);

void log(LogLevel level, std::string_view message);

}  // namespace alref
