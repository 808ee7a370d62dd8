// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace alref {

/// Whether a path names what can be read once only: "-" (standard input) or a named pipe. False
/// where nothing is there or nobody may look: whoever opens it says what is wrong.
inline bool is_stream(const std::string& path) {
  std::error_code unknown;
  return path == "-" || std::filesystem::is_fifo(path, unknown);
}

}  // namespace alref
