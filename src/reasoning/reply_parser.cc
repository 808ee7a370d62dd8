// SPDX-License-Identifier: Apache-2.0
#include "reasoning/reply_parser.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace alref::reasoning {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

std::string_view trim(std::string_view s) {
  const size_t first = s.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kSpace) - first + 1);
}

/// A whole string as an integer: blanks around it and a sign are allowed, nothing else.
std::optional<int> to_integer(std::string_view s) {
  s = trim(s);
  if (s.starts_with('+')) {
    s.remove_prefix(1);
    if (s.starts_with('-')) return std::nullopt;
  }
  int value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return value;
}

/// What stands in the bracket pair that opens at or after `from`; pairs do not span lines (as
/// `\[(.*?)\]`). Sets `from` behind the pair.
std::optional<std::string_view> next_bracket(std::string_view s, size_t& from) {
  for (size_t open = s.find('[', from); open != std::string_view::npos;
       open = s.find('[', open + 1)) {
    const size_t close = s.find_first_of("]\n", open + 1);
    if (close == std::string_view::npos) return std::nullopt;
    if (s[close] != ']') continue;
    from = close + 1;
    return s.substr(open + 1, close - open - 1);
  }
  return std::nullopt;
}

std::optional<std::string_view> last_bracket(std::string_view s) {
  std::optional<std::string_view> last;
  size_t from = 0;
  while (const auto found = next_bracket(s, from)) last = found;
  return last;
}

std::optional<int> json_choice(std::string_view reply) {
  reply = trim(reply);
  if (!reply.starts_with('{')) return std::nullopt;
  const auto json = nlohmann::json::parse(reply, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("choice") || !json["choice"].is_number_integer()) {
    return std::nullopt;
  }
  const auto value = json["choice"].get<int64_t>();
  return value < 0 || value > 1'000'000 ? -1 : static_cast<int>(value);
}

std::optional<int> in_range(std::optional<int> number, int last) {
  return number && *number >= 1 && *number <= last ? number : std::nullopt;
}

std::optional<int> parse_choice(std::string_view reply, int choices) {
  if (const auto choice = json_choice(reply)) return in_range(choice, choices);
  const auto bracket = last_bracket(reply);
  return bracket ? in_range(to_integer(*bracket), choices) : std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view leading_digits(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && is_digit(s[n])) ++n;
  return s.substr(0, n);
}

/// The quoted word that ends right before a colon: `"name"` or `'name'`; empty where there is none.
std::string_view quoted_before(std::string_view s) {
  constexpr std::string_view kQuotes = "'\"";
  if (s.empty() || kQuotes.find(s.back()) == std::string_view::npos) return {};
  s.remove_suffix(1);
  const size_t open = s.find_last_of(kQuotes);
  return open == std::string_view::npos ? std::string_view() : s.substr(open + 1);
}

}  // namespace

std::optional<int> parse_pivot_frame(std::string_view reply, int frames) {
  return parse_choice(reply, frames);
}

std::optional<int> parse_pivot_box(std::string_view reply, int boxes) {
  std::string plain(reply);
  std::erase_if(plain, [](char c) { return c == '*' || c == '\\'; });
  return parse_choice(plain, boxes);
}

std::vector<SoundingObject> parse_sounding_objects(std::string_view reply, int frames) {
  std::vector<SoundingObject> objects;
  for (size_t colon = reply.find(": "); colon != std::string_view::npos;
       colon = reply.find(": ", colon + 1)) {
    const std::string_view digits = leading_digits(reply.substr(colon + 2));
    if (digits.empty()) continue;
    std::string_view name = trim(quoted_before(reply.substr(0, colon)));
    name = name.substr(0, name.find_first_of(",;"));
    if (name.empty()) continue;
    const int frame = in_range(to_integer(digits), frames).value_or(1);
    const auto known =
        std::find_if(objects.begin(), objects.end(), [&](const auto& o) { return o.name == name; });
    if (known != objects.end()) {
      known->frame = frame;
    } else {
      objects.push_back({std::string(name), frame});
    }
  }
  return objects;
}

int parse_sounding_box(std::string_view reply, int boxes) {
  size_t from = 0;
  const auto bracket = next_bracket(reply, from);
  if (!bracket) return 1;
  const auto digit = std::find_if(bracket->begin(), bracket->end(), is_digit);
  const std::string_view tail = bracket->substr(static_cast<size_t>(digit - bracket->begin()));
  return in_range(to_integer(leading_digits(tail)), boxes).value_or(1);
}

}  // namespace alref::reasoning
