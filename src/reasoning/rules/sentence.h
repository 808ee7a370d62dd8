// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alref::reasoning {

/// What a constraint speaks of, and the values that it can have.
enum class Trait {
  kColour,   ///< black white grey red green blue yellow orange brown pink purple
  kQuality,  ///< any other adjective; goes into the detector's caption
  kPlace,    ///< left right top bottom middle edge
  kDepth,    ///< near far (from the camera)
  kSize,     ///< big small tall short long wide thin
  kRank,     ///< left right top bottom near far: the rank-th, counted from there
  kOrder,    ///< appear disappear stay: the rank-th to do so; stay: in sight the longest
  kMotion,  ///< any still left right up down closer away fast slow most least sway turn enter leave
            ///< grow shrink
  kAlone,   ///< alone group: with others of its kind near it, or without
  kRelation,  ///< left-of right-of above below front-of behind next-to near far-from between on in
              ///< under with wear hold ride follow followed-by toward away-from of, or a verb: what
              ///< it does to `others`
  kAction,    ///< a verb of which boxes tell nothing
};

/// Which part of the video a constraint speaks of.
enum class When { kAlways, kStart, kEnd };

struct NounPhrase;

struct Constraint {
  Trait trait = Trait::kQuality;
  std::string value;
  bool negated = false;
  /// For sizes, ranks and orders: 1 the most, 2 the second, ...; -1 the last.
  int rank = 1;
  When when = When::kAlways;
  std::vector<NounPhrase> others;  ///< what a relation is with
};

/// A thing as a sentence describes it.
struct NounPhrase {
  std::string noun;    ///< singular, compounds whole ("fire truck"); empty for "the one"
  bool other = false;  ///< "the other dog": the rest of the head's kind
  int count = 1;       ///< "the two dogs": 2; plural without a number: 0
  std::vector<Constraint> constraints;
};

/// A referring sentence: its main object, and the words that were not understood.
struct Sentence {
  NounPhrase head;
  std::vector<std::string> unread;
};

/// One line that says all of it, as in "dog: colour=black !motion=left next-to(car: colour=red)".
std::string to_string(const NounPhrase& phrase);
std::string to_string(const Constraint& constraint);

/// The words for the detector, with an article: "the striped cat"; "the object" where there is no
/// noun.
std::string caption_of(const NounPhrase& phrase);

/// Reads an English referring expression; never fails, words that it cannot place end in `unread`.
/// Throws Error(kInvalidArgument) for more than kMostWords words.
Sentence parse_sentence(std::string_view text);

inline constexpr size_t kMostWords = 256;

}  // namespace alref::reasoning
