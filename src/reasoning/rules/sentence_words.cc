// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/sentence_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace alref::reasoning {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::vector<std::string> sentence_words(std::string_view text) {
  std::string plain(text);
  replace_all(plain, "\xE2\x80\x99", "'");  // right single quotation mark
  std::ranges::transform(plain, plain.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr auto kContractions =
      std::to_array<std::pair<std::string_view, std::string_view>>({{"t-shirt", "tshirt"},
                                                                    {"n't", " not"},
                                                                    {"that's", "that is"},
                                                                    {"it's", "it is"},
                                                                    {"who's", "who is"},
                                                                    {"there's", "there is"},
                                                                    {"left-hand", "left hand"},
                                                                    {"'s ", " 's "},
                                                                    {"s' ", "s 's "}});
  for (const auto& [from, to] : kContractions) replace_all(plain, from, to);

  std::vector<std::string> tokens;
  std::string word;
  const auto flush = [&] {
    if (word == "tshirt" || word == "tshirts") word = "t-shirt";
    if (!word.empty()) tokens.push_back(std::exchange(word, {}));
  };
  for (const char c : plain) {
    const bool part_of_word =
        std::isalnum(static_cast<unsigned char>(c)) || c == '\'' || (c & 0x80);
    if (part_of_word) {
      word += c;
      continue;
    }
    flush();
    if (c == ',' || c == ';') tokens.emplace_back(",");
  }
  flush();
  return tokens;
}

}  // namespace alref::reasoning
