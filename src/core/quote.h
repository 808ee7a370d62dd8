// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace alref {

/// `text` in single quotes, fit for a one-line message: whatever is not printable ASCII becomes
/// \xNN, and what exceeds `limit` bytes is cut and marked by "...". For names that come from files.
std::string quote(std::string_view text, size_t limit = 128);

}  // namespace alref
