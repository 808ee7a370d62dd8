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

/// CLIP's byte-pair tokenizer (arXiv:2103.00020): the same tokens as Hugging Face's CLIPTokenizer
/// where ftfy is not installed, that is without repairs of wrongly decoded text such as curled
/// quotes. Threads: const; may be shared.
class Bpe {
 public:
  /// `merges`: "left right" in order of rank. The vocabulary follows from them: 256 bytes, the same
  /// at a word's end, one token a merge, <|startoftext|>, <|endoftext|>. Throws Error(kModel) for a
  /// merge of tokens that no line before made.
  explicit Bpe(std::span<const std::string> merges);

  /// Token ids of UTF-8 text: <|startoftext|> text <|endoftext|>, cut to `limit` tokens in all.
  /// Throws Error(kInvalidArgument) for invalid UTF-8 or a limit below 2.
  std::vector<int32_t> encode(std::string_view text, size_t limit = 77) const;

  int32_t start() const { return static_cast<int32_t>(size_) - 2; }
  int32_t end() const { return static_cast<int32_t>(size_) - 1; }
  /// Number of tokens; CLIP has 49,408.
  size_t size() const { return size_; }

 private:
  void encode_words(const Chars& text, std::vector<int32_t>& out) const;
  void encode_word(std::string_view bytes, std::vector<int32_t>& out) const;

  std::unordered_map<uint64_t, int32_t>
      merges_;  // left << 32 | right -> token made; ranks rise with it
  int32_t byte_ids_[256] = {};
  size_t size_ = 0;
};

}  // namespace alref::text
