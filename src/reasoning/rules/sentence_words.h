// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alref::reasoning {

/// The words of a sentence in lower case, contractions written out; commas and 's are words of
/// their own, other punctuation is left out.
std::vector<std::string> sentence_words(std::string_view text);

}  // namespace alref::reasoning
