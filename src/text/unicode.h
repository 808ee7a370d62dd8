// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alref::text {

/// A code point and the bytes [begin, end) of the source text that it comes from.
struct Char {
  char32_t code = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

using Chars = std::vector<Char>;

/// General categories, as far as the tokenizers tell them apart.
enum class CharClass : uint8_t {
  kSymbol = 0,       ///< S*, Mc, Me
  kMark = 1,         ///< Mn, combining marks without a width
  kPunctuation = 2,  ///< P*
  kLetter = 3,       ///< L*
  kNumber = 4,       ///< N*
  kSpace = 5,        ///< Z*
  kControl = 6,      ///< C*, unassigned code points as well
};

CharClass char_class(char32_t code);

/// Decodes UTF-8 strictly: no overlong forms, surrogates or code points beyond U+10FFFF, 16 MiB at
/// most. Throws Error(kInvalidArgument), naming the byte.
Chars decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t code);

/// Lower case of each code point by itself.
Chars lower_each(const Chars& text);
/// Lower case as Python's str.lower() of the whole: a capital sigma at a word's end becomes final
/// sigma.
Chars lower_text(const Chars& text);

/// Canonical decomposition (NFD) and composition (NFC).
Chars decompose(const Chars& text);
Chars compose(const Chars& text);

}  // namespace alref::text
