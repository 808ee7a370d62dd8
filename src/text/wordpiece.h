// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/unicode.h"

namespace alref::text {

/// A token and the bytes [begin, end) of the text that it stands for.
struct Token {
  int32_t id = 0;
  size_t begin = 0;
  size_t end = 0;
};

/// BERT's uncased WordPiece tokenizer (arXiv:1810.04805): the same tokens as Hugging Face's
/// BertTokenizer with its default options. Text is cleaned, lowered, stripped of accents, cut at
/// white space and punctuation, and each word into the longest pieces of the vocabulary. Threads:
/// const; may be shared.
class WordPiece {
 public:
  /// `vocabulary`: pieces in order of their ids, continuations marked by "##".
  /// Throws Error(kModel) if it lacks [UNK], [SEP], [PAD] or [CLS], or holds a piece twice.
  explicit WordPiece(std::vector<std::string> vocabulary);

  /// Tokens of UTF-8 text, without [CLS] and [SEP]; special tokens spelled out in it count as such.
  /// Throws Error(kInvalidArgument) for invalid UTF-8.
  std::vector<Token> tokenize(std::string_view text) const;

  /// Ids of the whole input: [CLS] text [SEP].
  std::vector<int32_t> encode(std::string_view text) const;

  /// Text of tokens: pieces joined to words, words by spaces; `clean_up` takes out the space before
  /// punctuation and contractions, as Hugging Face's clean_up_tokenization does.
  std::string decode(std::span<const int32_t> ids, bool clean_up = true) const;

  int32_t cls() const { return cls_; }
  int32_t sep() const { return sep_; }
  int32_t pad() const { return pad_; }
  int32_t unknown() const { return unknown_; }
  /// The id of a piece, or unknown().
  int32_t id(std::string_view piece) const;
  const std::vector<std::string>& vocabulary() const { return vocabulary_; }

 private:
  void split_word(std::span<const Char> word, std::vector<Token>& out) const;

  std::vector<std::string> vocabulary_;
  std::unordered_map<std::string_view, int32_t> ids_;            // views into vocabulary_
  std::unordered_map<std::string_view, int32_t> continuations_;  // the same, without their "##"
  int32_t unknown_ = 0, sep_ = 0, pad_ = 0, cls_ = 0;
};

}  // namespace alref::text
