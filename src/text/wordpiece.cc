// SPDX-License-Identifier: Apache-2.0
#include "text/wordpiece.h"

#include "alref/error.h"

#include <algorithm>
#include <utility>

#include "core/quote.h"
#include "text/words.h"

namespace alref::text {
namespace {

constexpr std::string_view kSpecials[] = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
constexpr size_t kMaxWordChars = 100;  // max_input_chars_per_word: longer words are [UNK]

/// BERT counts all ASCII signs as punctuation, also those that Unicode calls symbols.
bool is_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
           (c >= 123 && c <= 126);
  }
  return char_class(c) == CharClass::kPunctuation;
}

Chars strip_accents(const Chars& word) {
  Chars out = decompose(word);
  std::erase_if(out, [](const Char& c) { return char_class(c.code) == CharClass::kMark; });
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

WordPiece::WordPiece(std::vector<std::string> vocabulary) : vocabulary_(std::move(vocabulary)) {
  ids_.reserve(vocabulary_.size());
  for (size_t i = 0; i < vocabulary_.size(); ++i) {
    if (!ids_.emplace(vocabulary_[i], static_cast<int32_t>(i)).second) {
      throw Error(ErrorKind::kModel,
                  "vocabulary: piece " + quote(vocabulary_[i]) + " appears twice");
    }
    if (vocabulary_[i].starts_with("##")) {
      continuations_.emplace(std::string_view(vocabulary_[i]).substr(2), static_cast<int32_t>(i));
    }
  }
  const auto required = [&](std::string_view piece) {
    const auto at = ids_.find(piece);
    if (at == ids_.end()) {
      throw Error(ErrorKind::kModel, "vocabulary: has no piece " + quote(piece) + " among its " +
                                         std::to_string(vocabulary_.size()));
    }
    return at->second;
  };
  unknown_ = required("[UNK]");
  sep_ = required("[SEP]");
  pad_ = required("[PAD]");
  cls_ = required("[CLS]");
}

int32_t WordPiece::id(std::string_view piece) const {
  const auto at = ids_.find(piece);
  return at == ids_.end() ? unknown_ : at->second;
}

std::vector<Token> WordPiece::tokenize(std::string_view text) const {
  std::vector<Token> out;
  for (const Piece& piece : split_at_specials(decode_utf8(text), kSpecials)) {
    if (piece.special >= 0) {
      out.push_back(
          {id(kSpecials[piece.special]), piece.chars.front().begin, piece.chars.back().end});
      continue;
    }
    // Hugging Face also composes (NFC) before it lowers again and decomposes: without effect on the
    // outcome.
    for (const Chars& raw : clean_words(lower_each(piece.chars))) {
      const Chars word = strip_accents(raw);
      for (size_t begin = 0; begin < word.size();) {
        size_t end = begin;
        while (end < word.size() && !is_punctuation(word[end].code)) ++end;
        if (end == begin) ++end;  // a sign is a word of its own
        split_word(std::span(word).subspan(begin, end - begin), out);
        begin = end;
      }
    }
  }
  return out;
}

void WordPiece::split_word(std::span<const Char> word, std::vector<Token>& out) const {
  const Token whole{unknown_, word.front().begin, word.back().end};
  if (word.size() > kMaxWordChars) {
    out.push_back(whole);
    return;
  }
  std::string bytes;
  std::vector<size_t> ends = {0};  // of each character in `bytes`
  for (const Char& c : word) {
    append_utf8(bytes, c.code);
    ends.push_back(bytes.size());
  }
  const size_t tokens_before = out.size();
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    const auto& table = begin > 0 ? continuations_ : ids_;
    auto found = table.end();
    for (; end > begin; --end) {
      const std::string_view piece(bytes.data() + ends[begin], ends[end] - ends[begin]);
      found = table.find(piece);
      if (found != table.end()) break;
    }
    if (found == table.end()) {
      out.resize(tokens_before);
      out.push_back(whole);
      return;
    }
    out.push_back({found->second, word[begin].begin, word[end - 1].end});
    begin = end;
  }
}

std::vector<int32_t> WordPiece::encode(std::string_view text) const {
  std::vector<int32_t> ids = {cls_};
  for (const Token& token : tokenize(text)) ids.push_back(token.id);
  ids.push_back(sep_);
  return ids;
}

std::string WordPiece::decode(std::span<const int32_t> ids, bool clean_up) const {
  std::string text;
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= vocabulary_.size()) {
      throw Error(ErrorKind::kInvalidArgument, "token " + std::to_string(id) + " is not one of " +
                                                   std::to_string(vocabulary_.size()));
    }
    const std::string_view piece = vocabulary_[static_cast<size_t>(id)];
    const bool continues = !text.empty() && piece.starts_with("##");
    if (!text.empty() && !continues) text += ' ';
    text += continues ? piece.substr(2) : piece;
  }
  if (clean_up) {
    for (const std::string_view sign : {" .", " ?", " !", " ,"})
      replace_all(text, sign, sign.substr(1));
    replace_all(text, " ' ", "'");
    for (const std::string_view end : {" n't", " 'm", " 's", " 've", " 're"}) {
      replace_all(text, end, end.substr(1));
    }
  }
  return text;
}

}  // namespace alref::text
