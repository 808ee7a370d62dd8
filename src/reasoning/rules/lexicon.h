// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reasoning/rules/sentence.h"

namespace alref::reasoning {

/// What a verb says about boxes.
enum class VerbClass {
  kMove,    ///< go run walk: some displacement
  kStill,   ///< stand sit lie: none
  kTurn,    ///< turn rotate spin
  kAppear,  ///< appear enter show
  kLeave,   ///< disappear leave exit
  kGrow,
  kShrink,
  kRelate,  ///< hold ride follow: needs the thing that is held
  kOther,
};

struct Verb {
  std::string_view lemma;
  VerbClass kind;
};

/// An inflected or plain form of a verb that we know; "walking", "walks", "ran" -> walk.
std::optional<Verb> find_verb(std::string_view word);
/// Whether the word has the shape of a present participle and is no known noun ("jumping", not
/// "ring").
bool looks_like_participle(std::string_view word);
/// The base form of a word of that shape, by rule.
std::string stem_of_participle(std::string_view word);

/// Colours, sizes, places and the like as adjectives in front of a noun; superlatives included.
std::optional<Constraint> find_adjective(std::string_view word);

/// "second", "2nd" -> 2; "last" -> -1.
std::optional<int> find_ordinal(std::string_view word);
/// "two" or "2" -> 2.
std::optional<int> find_number(std::string_view word);
/// left, right, top, bottom or middle, by any of their names ("upper", "rightmost", "centre").
std::optional<std::string_view> find_side(std::string_view word);

bool is_determiner(std::string_view word);
/// Words that end a noun: prepositions, pronouns, conjunctions, auxiliaries.
bool is_function_word(std::string_view word);
/// "group", "pair", "herd": what they are of is meant.
bool is_group_noun(std::string_view word);
bool is_clothing(std::string_view noun);
/// "grass", "road": where things are rather than a thing, and nothing that a detector boxes well.
bool is_scenery(std::string_view noun);

struct Singular {
  std::string word;
  bool plural = false;
};
Singular to_singular(std::string_view word);

}  // namespace alref::reasoning
