// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include "alref/error.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>

#include "core/quote.h"
#include "text/words.h"

namespace alref::text {
namespace {

constexpr std::string_view kSpecials[] = {"<|startoftext|>", "<|endoftext|>"};
constexpr std::string_view kEndings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
constexpr int32_t kWordEnd = 256;  // id of a byte at a word's end minus its id elsewhere

/// Bytes in the order of their ids: those that print as themselves in Latin-1 first
/// (bytes_to_unicode of openai/CLIP's simple_tokenizer.py).
std::vector<uint8_t> bytes_by_id() {
  const auto prints = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b != 173); };
  std::vector<uint8_t> order;
  for (int b = 0; b < 256; ++b) {
    if (prints(b)) order.push_back(static_cast<uint8_t>(b));
  }
  for (int b = 0; b < 256; ++b) {
    if (!prints(b)) order.push_back(static_cast<uint8_t>(b));
  }
  return order;
}

/// How the merges file spells the byte with that id.
std::string spelled(size_t id, uint8_t byte) {
  constexpr size_t kPrinting = 188;
  std::string out;
  append_utf8(out, id < kPrinting ? byte : static_cast<char32_t>(256 + id - kPrinting));
  return out;
}

/// Whether `ascii` (lower case) stands at `at`; with "ignore case" long s counts as s.
bool matches(const Chars& text, size_t at, std::string_view ascii) {
  if (text.size() - at < ascii.size()) return false;
  for (size_t i = 0; i < ascii.size(); ++i) {
    const char32_t c = text[at + i].code == 0x17F ? U's' : text[at + i].code;
    if (c != static_cast<char32_t>(ascii[i])) return false;
  }
  return true;
}

bool is_letter(char32_t c) { return char_class(c) == CharClass::kLetter; }
bool is_number(char32_t c) { return char_class(c) == CharClass::kNumber; }

/// A mark whose capital is a letter: with "ignore case" the pattern finds it in no alternative.
constexpr char32_t kIotaBelow = 0x345;

/// End of the token that begins at `at`; the pattern of simple_tokenizer.py, alternative by
/// alternative:
/// <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
size_t token_end(const Chars& word, size_t at) {
  for (const std::string_view special : kSpecials) {
    if (matches(word, at, special)) return at + special.size();
  }
  for (const std::string_view ending : kEndings) {
    if (matches(word, at, ending)) return at + ending.size();
  }
  size_t end = at;
  if (is_letter(word[at].code)) {
    while (end < word.size() && is_letter(word[end].code)) ++end;
  } else if (is_number(word[at].code)) {
    ++end;
  } else {
    const auto is_sign = [](char32_t c) {
      return !is_letter(c) && !is_number(c) && c != kIotaBelow;
    };
    while (end < word.size() && is_sign(word[end].code)) ++end;
  }
  return end;
}

}  // namespace

Bpe::Bpe(std::span<const std::string> merges) {
  std::unordered_map<std::string, int32_t> ids;
  const auto order = bytes_by_id();
  for (size_t id = 0; id < order.size(); ++id) {
    byte_ids_[order[id]] = static_cast<int32_t>(id);
    ids[spelled(id, order[id])] = static_cast<int32_t>(id);
    ids[spelled(id, order[id]) + "</w>"] = static_cast<int32_t>(id) + kWordEnd;
  }
  auto next = static_cast<int32_t>(2 * order.size());
  for (const std::string& line : merges) {
    const size_t space = line.find(' ');
    const auto left = ids.find(line.substr(0, space));
    const auto right = space == std::string::npos ? ids.end() : ids.find(line.substr(space + 1));
    if (left == ids.end() || right == ids.end()) {
      throw Error(ErrorKind::kModel, "merges: line " + std::to_string(next - 511) + " is " +
                                         quote(line) + ", expected two tokens made before");
    }
    const auto pair =
        static_cast<uint64_t>(left->second) << 32 | static_cast<uint32_t>(right->second);
    merges_.emplace(pair, next);
    ids.emplace(left->first + right->first, next);
    ++next;
  }
  size_ = static_cast<size_t>(next) + 2;
}

std::vector<int32_t> Bpe::encode(std::string_view text, size_t limit) const {
  if (limit < 2) {
    throw Error(ErrorKind::kInvalidArgument,
                "the limit is " + std::to_string(limit) + " tokens, expected at least 2");
  }
  std::vector<int32_t> ids = {start()};
  for (const Piece& piece : split_at_specials(decode_utf8(text), kSpecials)) {
    if (piece.special >= 0) {
      ids.push_back(start() + piece.special);
    } else {
      encode_words(piece.chars, ids);
    }
  }
  ids.resize(std::min(ids.size(), limit - 1));
  ids.push_back(end());
  return ids;
}

void Bpe::encode_words(const Chars& text, std::vector<int32_t>& out) const {
  for (const Chars& raw : clean_words(text)) {
    const Chars word = lower_text(compose(raw));
    for (size_t begin = 0; begin < word.size();) {
      if (word[begin].code == kIotaBelow) {
        ++begin;
        continue;
      }
      const size_t end = token_end(word, begin);
      std::string bytes;
      for (size_t i = begin; i < end; ++i) append_utf8(bytes, word[i].code);
      const auto special = std::find(std::begin(kSpecials), std::end(kSpecials), bytes);
      if (special != std::end(kSpecials)) {  // one that became so by lower case
        out.push_back(start() + static_cast<int32_t>(special - std::begin(kSpecials)));
      } else {
        encode_word(bytes, out);
      }
      begin = end;
    }
  }
}

void Bpe::encode_word(std::string_view bytes, std::vector<int32_t>& out) const {
  // A doubly linked list of tokens, and the mergeable neighbours by rank, then by place.
  struct Node {
    int32_t id;
    int32_t before;
    int32_t after;
  };
  struct Merge {
    int32_t made;
    int32_t place;  // left node
    int32_t left, right;
    bool operator>(const Merge& other) const {
      return made != other.made ? made > other.made : place > other.place;
    }
  };
  const auto count = static_cast<int32_t>(bytes.size());
  std::vector<Node> nodes;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(bytes[static_cast<size_t>(i)])];
    nodes.push_back({i + 1 == count ? id + kWordEnd : id, i - 1, i + 1 == count ? -1 : i + 1});
  }
  std::priority_queue<Merge, std::vector<Merge>, std::greater<>> queue;
  const auto offer = [&](int32_t place) {
    if (place < 0 || nodes[place].after < 0) return;
    const int32_t left = nodes[place].id, right = nodes[nodes[place].after].id;
    const auto found =
        merges_.find(static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right));
    if (found != merges_.end()) queue.push({found->second, place, left, right});
  };
  for (int32_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Merge merge = queue.top();
    queue.pop();
    Node& node = nodes[merge.place];
    // Stale where a neighbour has been merged away or into something else meanwhile.
    if (node.id != merge.left || node.after < 0 || nodes[node.after].id != merge.right) continue;
    Node& gone = nodes[node.after];
    node.id = merge.made;
    gone.id = -1;
    node.after = gone.after;
    if (node.after >= 0) nodes[node.after].before = merge.place;
    offer(node.before);
    offer(merge.place);
  }
  for (int32_t i = 0; i >= 0; i = nodes[i].after) out.push_back(nodes[i].id);
}

}  // namespace alref::text
