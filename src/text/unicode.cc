// SPDX-License-Identifier: Apache-2.0
#include "text/unicode.h"

#include "alref/error.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "text/unicode_tables.h"

namespace alref::text {
namespace {

// Hangul syllables are composed by arithmetic (The Unicode Standard, 3.12).
constexpr char32_t kHangulBase = 0xAC00, kLeadBase = 0x1100, kVowelBase = 0x1161,
                   kTailBase = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28;
constexpr char32_t kSyllables = kLeads * kVowels * kTails;

uint8_t run_value(const uint32_t* runs, size_t size, char32_t code) {
  const uint32_t* after =
      std::upper_bound(runs, runs + size, static_cast<uint32_t>(code) << 8 | 0xff);
  return static_cast<uint8_t>(after[-1]);
}

uint8_t combining_class(char32_t code) {
  return run_value(tables::kCombiningClasses, tables::kCombiningClassesSize, code);
}

enum class Casing : uint8_t { kNone = 0, kCased = 1, kIgnorable = 2 };

Casing casing(char32_t code) {
  return static_cast<Casing>(run_value(tables::kCasing, tables::kCasingSize, code));
}

char32_t lower(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  // Runs interleave where every second code point is a capital, so each that begins before counts.
  const auto value = static_cast<int32_t>(code);
  for (size_t i = 0; i + 3 < tables::kLowerSize; i += 4) {
    const auto run = std::span(tables::kLower + i, 4);
    if (run[0] > value) break;
    if (value <= run[1] && (value - run[0]) % run[2] == 0)
      return static_cast<char32_t>(value + run[3]);
  }
  return code;
}

std::span<const uint32_t> decomposition(char32_t code) {
  size_t low = 0, high = tables::kDecompositionIndexSize / 2;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const uint32_t at = tables::kDecompositionIndex[2 * middle];
    if (at == code) {
      const uint32_t place = tables::kDecompositionIndex[2 * middle + 1];
      return {tables::kDecompositions + (place >> 3), place & 7};
    }
    (at < code ? low : high) = at < code ? middle + 1 : middle;
  }
  return {};
}

/// The primary composite of two code points, or 0.
char32_t composite(char32_t first, char32_t second) {
  if (first >= kLeadBase && first < kLeadBase + kLeads && second >= kVowelBase &&
      second < kVowelBase + kVowels) {
    return kHangulBase + ((first - kLeadBase) * kVowels + (second - kVowelBase)) * kTails;
  }
  if (first >= kHangulBase && first < kHangulBase + kSyllables &&
      (first - kHangulBase) % kTails == 0 && second > kTailBase && second < kTailBase + kTails) {
    return first + (second - kTailBase);
  }
  size_t low = 0, high = tables::kCompositionsSize / 3;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const uint32_t* entry = tables::kCompositions + 3 * middle;
    if (entry[0] == first && entry[1] == second) return entry[2];
    const bool before = entry[0] < first || (entry[0] == first && entry[1] < second);
    (before ? low : high) = before ? middle + 1 : middle;
  }
  return 0;
}

}  // namespace

CharClass char_class(char32_t code) {
  return static_cast<CharClass>(run_value(tables::kClasses, tables::kClassesSize, code));
}

Chars decode_utf8(std::string_view text) {
  constexpr size_t kMaxBytes = 1 << 24;
  if (text.size() > kMaxBytes) {
    throw Error(ErrorKind::kInvalidArgument, "text: has " + std::to_string(text.size()) +
                                                 " bytes, expected at most " +
                                                 std::to_string(kMaxBytes));
  }
  Chars out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char lead = byte(i);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                          : (lead & 0xF0) == 0xE0       ? 3
                          : lead >= 0xF0 && lead < 0xF5 ? 4
                                                        : 0;
    char32_t code = length <= 1 ? lead : lead & (0x7Fu >> length);
    bool good = length > 0 && i + length <= text.size();
    for (size_t k = 1; good && k < length; ++k) {
      good = (byte(i + k) & 0xC0) == 0x80;
      code = code << 6 | (byte(i + k) & 0x3F);
    }
    constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    if (!good || code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      throw Error(ErrorKind::kInvalidArgument, "text: invalid UTF-8 at byte " + std::to_string(i));
    }
    out.push_back({code, static_cast<uint32_t>(i), static_cast<uint32_t>(i + length)});
    i += length;
  }
  return out;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

Chars lower_each(const Chars& text) {
  Chars out;
  out.reserve(text.size());
  for (const Char& c : text) {
    if (c.code == 0x130) {  // the one code point whose lower case is two
      out.push_back({0x69, c.begin, c.end});
      out.push_back({0x307, c.begin, c.end});
    } else {
      out.push_back({lower(c.code), c.begin, c.end});
    }
  }
  return out;
}

Chars lower_text(const Chars& text) {
  constexpr char32_t kSigma = 0x3A3, kFinalSigma = 0x3C2;
  Chars marked = text;
  const auto cased_beyond = [](auto first, auto last) {
    const auto found = std::find_if(
        first, last, [](const Char& c) { return casing(c.code) != Casing::kIgnorable; });
    return found != last && casing(found->code) == Casing::kCased;
  };
  for (auto c = text.begin(); c != text.end(); ++c) {
    if (c->code == kSigma && cased_beyond(std::make_reverse_iterator(c), text.rend()) &&
        !cased_beyond(c + 1, text.end())) {
      marked[static_cast<size_t>(c - text.begin())].code = kFinalSigma;
    }
  }
  return lower_each(marked);
}

Chars decompose(const Chars& text) {
  Chars out;
  out.reserve(text.size());
  for (const Char& c : text) {
    const auto put = [&](char32_t code) { out.push_back({code, c.begin, c.end}); };
    if (c.code >= kHangulBase && c.code < kHangulBase + kSyllables) {
      const char32_t index = c.code - kHangulBase;
      put(kLeadBase + index / (kVowels * kTails));
      put(kVowelBase + index / kTails % kVowels);
      if (index % kTails > 0) put(kTailBase + index % kTails);
    } else if (const auto parts = decomposition(c.code); !parts.empty()) {
      for (const uint32_t part : parts) put(part);
    } else {
      put(c.code);
    }
  }
  // Canonical order: runs of combining characters sorted by their class.
  for (auto first = out.begin(); first != out.end();) {
    const auto combines = [](const Char& c) { return combining_class(c.code) != 0; };
    first = std::find_if(first, out.end(), combines);
    const auto last = std::find_if_not(first, out.end(), combines);
    std::stable_sort(first, last, [](const Char& a, const Char& b) {
      return combining_class(a.code) < combining_class(b.code);
    });
    first = last;
  }
  return out;
}

Chars compose(const Chars& text) {
  const Chars parts = decompose(text);
  Chars out;
  out.reserve(parts.size());
  size_t starter = parts.size();  // index in `out`, none yet
  uint8_t last_class = 0;         // of the character before, if not the starter
  for (const Char& c : parts) {
    const uint8_t order = combining_class(c.code);
    const bool has_starter = starter < out.size();
    const bool blocked = has_starter && out.size() - 1 > starter && last_class >= order;
    if (has_starter && !blocked) {
      if (const char32_t joined = composite(out[starter].code, c.code); joined != 0) {
        out[starter].code = joined;
        out[starter].end = std::max(out[starter].end, c.end);
        continue;
      }
    }
    if (order == 0) starter = out.size();
    last_class = order;
    out.push_back(c);
  }
  return out;
}

}  // namespace alref::text
