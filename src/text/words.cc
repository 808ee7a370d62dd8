// SPDX-License-Identifier: Apache-2.0
#include "text/words.h"

#include <algorithm>
#include <utility>

namespace alref::text {
namespace {

/// The blocks that BERT takes for Chinese: ideographs, not kana or hangul.
bool is_ideograph(char32_t c) {
  constexpr std::pair<char32_t, char32_t> kBlocks[] = {
      {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
      {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                     [c](const auto& block) { return c >= block.first && c <= block.second; });
}

bool begins_with(const Chars& text, size_t at, std::string_view ascii) {
  if (text.size() - at < ascii.size()) return false;
  for (size_t i = 0; i < ascii.size(); ++i) {
    if (text[at + i].code != static_cast<char32_t>(ascii[i])) return false;
  }
  return true;
}

}  // namespace

std::vector<Piece> split_at_specials(const Chars& text,
                                     std::span<const std::string_view> specials) {
  std::vector<Piece> pieces(1);
  for (size_t at = 0; at < text.size();) {
    int best = -1;
    for (int i = 0; i < static_cast<int>(specials.size()); ++i) {
      if (begins_with(text, at, specials[i]) &&
          (best < 0 || specials[i].size() > specials[best].size())) {
        best = i;
      }
    }
    if (best < 0) {
      pieces.back().chars.push_back(text[at++]);
      continue;
    }
    const size_t end = at + specials[best].size();
    pieces.push_back({best, Chars(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(end))});
    pieces.emplace_back();
    at = end;
  }
  return pieces;
}

std::vector<Chars> clean_words(const Chars& text) {
  std::vector<Chars> words;
  bool open = false;
  for (const Char& c : text) {
    const CharClass kind = char_class(c.code);
    const bool space =
        c.code == '\t' || c.code == '\n' || c.code == '\r' || kind == CharClass::kSpace;
    if (space) {
      open = false;
      continue;
    }
    if (kind == CharClass::kControl || c.code == 0xFFFD) continue;
    const bool alone = is_ideograph(c.code);
    if (!open || alone) words.emplace_back();
    words.back().push_back(c);
    open = !alone;
  }
  return words;
}

}  // namespace alref::text
