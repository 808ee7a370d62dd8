// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace alref {

/// The ending of a file's name in small letters, with its dot: ".jpg" of "A.JPG"; empty where there
/// is none.
std::string ending_of(const std::filesystem::path& path);

}  // namespace alref
