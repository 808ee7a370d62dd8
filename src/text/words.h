// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace alref::text {

/// A part of a text: one of the special tokens spelled out (`special` is its index), or what lies
/// between.
struct Piece {
  int special = -1;
  Chars chars;
};

/// Cuts a text at special tokens such as "[SEP]", the longest where several begin at one place.
std::vector<Piece> split_at_specials(const Chars& text, std::span<const std::string_view> specials);

/// Removes control characters, puts CJK ideographs apart and cuts at white space: the first steps
/// of BERT's basic tokenizer (google-research/bert, tokenization.py; Hugging Face's
/// BasicTokenizer).
std::vector<Chars> clean_words(const Chars& text);

}  // namespace alref::text
