// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/caption.h"

#include "alref/error.h"

#include <algorithm>
#include <limits>

namespace alref::grounding_dino {

SubSentences sub_sentences(std::span<const int32_t> ids, std::span<const int32_t> separators) {
  const size_t n = ids.size();
  SubSentences result{std::vector<int32_t>(n, 0),
                      std::vector<float>(n * n, -std::numeric_limits<float>::infinity())};
  for (size_t i = 0; i < n; ++i) result.mask[i * n + i] = 0;
  size_t previous = 0;
  for (size_t i = 0; i < n; ++i) {
    if (std::find(separators.begin(), separators.end(), ids[i]) == separators.end()) continue;
    if (i != 0 && i != n - 1) {  // the first and the last token stay alone
      for (size_t row = previous + 1; row <= i; ++row) {
        result.positions[row] = static_cast<int32_t>(row - previous - 1);
        for (size_t column = previous + 1; column <= i; ++column) result.mask[row * n + column] = 0;
      }
    }
    previous = i;
  }
  return result;
}

Caption read_caption(std::string_view text, const text::WordPiece& tokenizer, size_t max_tokens) {
  const std::vector<text::Token> tokens = tokenizer.tokenize(text);
  const std::vector<int32_t> special = separators(tokenizer);
  const int32_t stop = tokenizer.id(".");
  Caption caption;
  caption.ids.push_back(tokenizer.cls());
  size_t first = 0;
  const auto end_phrase = [&](size_t end) {
    if (end > first) {
      const size_t begin_byte = tokens[first].begin, end_byte = tokens[end - 1].end;
      // Token i stands at place i + 1, behind [CLS].
      caption.phrases.push_back({first + 1, end + 1, begin_byte,
                                 std::string(text.substr(begin_byte, end_byte - begin_byte))});
    }
    first = end + 1;
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    caption.ids.push_back(tokens[i].id);
    if (std::find(special.begin(), special.end(), tokens[i].id) != special.end()) end_phrase(i);
  }
  end_phrase(tokens.size());
  if (caption.ids.back() != stop) caption.ids.push_back(stop);
  caption.ids.push_back(tokenizer.sep());
  if (caption.phrases.empty())
    throw Error(ErrorKind::kInvalidArgument, "the caption is empty: expected at least one word");
  if (caption.ids.size() > max_tokens) {
    throw Error(ErrorKind::kInvalidArgument,
                "the caption has " + std::to_string(caption.ids.size()) +
                    " tokens, expected at most " + std::to_string(max_tokens));
  }
  return caption;
}

std::vector<int32_t> separators(const text::WordPiece& tokenizer) {
  return {tokenizer.cls(), tokenizer.sep(), tokenizer.id("."), tokenizer.id("?")};
}

}  // namespace alref::grounding_dino
