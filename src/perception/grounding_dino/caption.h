// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/wordpiece.h"

namespace alref::grounding_dino {

/// How a caption's tokens see each other (bertwarper.py,
/// generate_masks_with_special_tokens_and_transfer_map): [CLS], [SEP], "." and "?" cut it into
/// sub-sentences; tokens attend within theirs, and positions start anew in each.
struct SubSentences {
  std::vector<int32_t> positions;  ///< [T]
  std::vector<float> mask;         ///< [T, T], 0 or -inf, to be added to scores
};

/// `separators` are the ids of the four special tokens.
SubSentences sub_sentences(std::span<const int32_t> ids, std::span<const int32_t> separators);

/// A phrase between separators, and the tokens [begin, end) that it consists of.
struct Phrase {
  size_t first_token = 0;
  size_t end_token = 0;
  size_t offset = 0;  ///< byte in the caption
  std::string text;   ///< the caption's own spelling
};

/// A caption in tokens: [CLS], words, a full stop where the caption ends without one, [SEP].
struct Caption {
  std::vector<int32_t> ids;
  std::vector<Phrase> phrases;
};

/// Throws Error(kInvalidArgument): no words, more than `max_tokens` tokens, invalid UTF-8.
Caption read_caption(std::string_view text, const text::WordPiece& tokenizer, size_t max_tokens);

/// Ids of [CLS], [SEP], "." and "?".
std::vector<int32_t> separators(const text::WordPiece& tokenizer);

}  // namespace alref::grounding_dino
