// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "text/bpe.h"
#include "text/wordpiece.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const alref::text::WordPiece wordpiece(
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "##b", ".", "\u00e9", "\u4e2d"});
  static const alref::text::Bpe bpe(std::vector<std::string>{"a b", "ab c</w>", "a a", "aa aa"});
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& token : wordpiece.tokenize(text)) {
      if (token.begin > token.end || token.end > size) std::abort();
    }
    if (bpe.encode(text).size() > 77) std::abort();
  } catch (const alref::Error&) {
  }
  return 0;
}
