// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alref::reasoning {

// What a language model's replies mean. The rules are the reference code's, so that recorded
// replies mean here what they meant there; on top of them a reply that is a JSON object with an
// integer "choice" is taken at its word.

/// RVOS, pivot frame: the last `[...]` as an integer in 1..frames; anything else is no answer.
std::optional<int> parse_pivot_frame(std::string_view reply, int frames);

/// RVOS, pivot box: the same in 1..boxes, after `*` and `\` (emphasis and its escapes) are taken
/// out.
std::optional<int> parse_pivot_box(std::string_view reply, int boxes);

struct SoundingObject {
  std::string name;
  int frame = 1;  ///< 1-based

  friend bool operator==(const SoundingObject&, const SoundingObject&) = default;
};

/// AVS, stage 1: every `'name': number` in the reply, the name up to its first comma or semicolon.
/// A number outside 1..frames becomes 1. Names are distinct: the last number counts, at the first
/// one's place.
std::vector<SoundingObject> parse_sounding_objects(std::string_view reply, int frames);

/// AVS, stage 2: the first run of digits in the first `[...]`; 1 where there is none or it is not
/// in 1..boxes.
int parse_sounding_box(std::string_view reply, int boxes);

}  // namespace alref::reasoning
