// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reasoning/rules/sentence.h"

namespace alref::reasoning {

using Tokens = std::span<const std::string>;

/// What a pattern's variables matched.
struct Captures {
  std::vector<std::string> sides;  ///< left, right, top, bottom or middle
  std::vector<NounPhrase> phrases;
  std::string verb;  ///< lemma
  std::optional<int> ordinal;
};

/// Reads a noun phrase at `position` and moves it on; false where none begins there.
using PhraseReader = std::function<bool(size_t& position, NounPhrase& phrase)>;

/// What a phrase behind a noun says about it.
struct Reading {
  size_t length = 0;  ///< in tokens
  std::vector<Constraint> constraints;
  std::optional<When> when;  ///< speaks of the part of the video in which another constraint holds
};

/// The longest phrase of the grammar that begins at `position`; the first in the table among
/// equals. `rank` is an ordinal that stands before the noun ("the second dog from the left"); a
/// phrase that uses it up resets it.
std::optional<Reading> read_modifier(Tokens tokens, size_t position, std::optional<int>& rank,
                                     const PhraseReader& read_phrase);

/// "screen", "video": not a thing in the picture but the picture.
bool is_frame_noun(std::string_view word);

}  // namespace alref::reasoning
