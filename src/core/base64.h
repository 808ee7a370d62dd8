// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace alref {

/// RFC 4648, section 4, with padding.
std::string base64(std::span<const uint8_t> bytes);

}  // namespace alref
