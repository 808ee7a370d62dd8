// SPDX-License-Identifier: Apache-2.0
#include "core/file_name.h"

#include <algorithm>
#include <cctype>

namespace alref {

std::string ending_of(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

}  // namespace alref
