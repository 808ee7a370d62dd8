// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reasoning/rules/grammar.h"
#include "reasoning/rules/lexicon.h"
#include "reasoning/rules/sentence.h"
#include "reasoning/rules/sentence_words.h"

namespace alref::reasoning {
namespace {

using namespace std::string_view_literals;

Constraint make(Trait trait, std::string value) {
  Constraint c;
  c.trait = trait;
  c.value = std::move(value);
  return c;
}

class Parser {
 public:
  explicit Parser(Tokens tokens) : tokens_(tokens) {}

  Sentence parse() {
    Sentence sentence;
    size_t position = skip_preamble();
    NounPhrase before;  // "on the left, a dog is running"
    while (position < tokens_.size() && !begins_phrase(position))
      position = read_one(position, before, sentence);
    read_phrase(position, sentence.head, /*depth=*/0);
    for (Constraint& c : before.constraints) sentence.head.constraints.push_back(std::move(c));
    while (position < tokens_.size()) position = read_one(position, sentence.head, sentence);
    resolve_rank(sentence.head);
    tidy(sentence.head);
    return sentence;
  }

 private:
  const std::string& at(size_t i) const {
    static const std::string kNone;
    return i < tokens_.size() ? tokens_[i] : kNone;
  }

  /// "please find the ...", "there is a ...", "where is the ...".
  size_t skip_preamble() const {
    static constexpr std::array kPreamble = {
        "please"sv, "find"sv,     "segment"sv, "show"sv,      "me"sv,  "track"sv,
        "select"sv, "where"sv,    "what"sv,    "is"sv,        "are"sv, "there"sv,
        "i"sv,      "want"sv,     "can"sv,     "you"sv,       "to"sv,  "see"sv,
        "locate"sv, "point"sv,    "out"sv,     "we"sv,        "it"sv,  "'s"sv,
        "which"sv,  "identify"sv, "follow"sv,  "highlight"sv, "mask"sv};
    size_t i = 0;
    while (i < tokens_.size() && std::ranges::find(kPreamble, tokens_[i]) != kPreamble.end()) ++i;
    return i < tokens_.size() ? i : 0;
  }

  bool begins_phrase(size_t i) const {
    const std::string& word = at(i);
    if (is_determiner(word) || find_ordinal(word) || find_number(word) || word == "other")
      return true;
    if (find_adjective(word) && at(i + 1) != "of") return true;
    return !is_function_word(word) && word != "," && word != "then" && word != "initially";
  }

  /// A noun phrase: determiners, numbers, adjectives, noun. At depth 0 its ordinal waits for what
  /// follows.
  bool read_phrase(size_t& position, NounPhrase& phrase, int depth) {
    size_t i = position;
    const size_t begin = i;
    std::optional<int> ordinal;
    bool negated = false;
    std::optional<size_t> last_adjective;
    std::vector<Constraint> adjectives;
    for (;; ++i) {
      const std::string& word = at(i);
      if (word == "other" || word == "others" || word == "another" || word == "rest") {
        phrase.other = true;
        if (word == "others" || word == "rest") phrase.count = 0;
      } else if (word == "not" || word == "non") {
        negated = true;
      } else if (const auto number = find_number(word)) {
        phrase.count = *number;
      } else if (const auto place = find_ordinal(word); place && !is_direct_noun(i)) {
        ordinal = place;
      } else if (is_determiner(word) && !(word == "that" && i > begin)) {
        continue;
      } else if (auto adjective = premodifier(i)) {
        adjective->negated = std::exchange(negated, false);
        if (adjective->trait == Trait::kSize && ordinal)
          adjective->rank = *std::exchange(ordinal, std::nullopt);
        adjectives.push_back(std::move(*adjective));
        last_adjective = i;
      } else {
        break;
      }
    }
    std::string noun = read_noun(i, phrase);
    if (noun.empty() && last_adjective && *last_adjective + 1 == i && !phrase.other && depth > 0 &&
        adjectives.back().trait == Trait::kColour) {
      // "in black": the colour of something unnamed.
    } else if (noun.empty() && last_adjective && *last_adjective + 1 == i &&
               at(*last_adjective) == "orange") {
      noun = "orange";
      adjectives.pop_back();
    } else if (noun.empty() && depth > 0 && !phrase.other) {
      return false;
    }
    if (i == begin) return false;
    if (is_frame_noun(noun) && depth > 0) return false;
    phrase.noun = noun;
    for (Constraint& c : adjectives) phrase.constraints.push_back(std::move(c));
    if (depth == 0) rank_ = ordinal;
    if (depth > 0 && ordinal) {
      Constraint c = make(Trait::kOrder, "appear");
      c.rank = *ordinal;
      phrase.constraints.push_back(std::move(c));
    }
    position = i;
    read_of(position, phrase, depth);
    if (depth > 0 && depth < kDeepest) read_clothes(position, phrase, depth);
    return true;
  }

  /// Whether the ordinal at `i` is itself what is meant ("the first", not "the first dog").
  bool is_direct_noun(size_t i) const { return i > 0 && at(i - 1) == "at"; }

  /// An adjective, or a participle that stands before a noun ("moving car").
  std::optional<Constraint> premodifier(size_t i) const {
    const std::string& word = at(i);
    const bool before_noun =
        i + 1 < tokens_.size() && (!is_function_word(at(i + 1)) || at(i + 1) == "and");
    if ((word == "left" || word == "right") && at(i + 1) == "hand") return std::nullopt;
    if (word == "and" && i > 0 && find_adjective(at(i - 1)) && find_adjective(at(i + 1))) {
      return find_adjective(
          at(i + 1));  // "black and white": the second one is read twice, see tidy()
    }
    if (auto adjective = find_adjective(word)) return adjective;
    if (!before_noun || at(i + 1) == "and" || is_determiner(at(i + 1)) || find_side(at(i + 1)))
      return std::nullopt;
    if (!word.ends_with("ing") && !word.ends_with("ed")) return std::nullopt;
    const auto verb = find_verb(word);
    if (!verb || find_verb(at(i + 1))) return std::nullopt;
    if (verb->kind == VerbClass::kMove) return make(Trait::kMotion, "any");
    if (verb->kind == VerbClass::kStill) return make(Trait::kMotion, "still");
    if (verb->kind == VerbClass::kTurn) return make(Trait::kMotion, "turn");
    if (verb->kind == VerbClass::kRelate) return std::nullopt;
    return make(Trait::kAction, std::string(verb->lemma));
  }

  /// The words of a noun, up to a function word or a verb form; the last one made singular.
  std::string read_noun(size_t& i, NounPhrase& phrase) const {
    std::string noun;
    std::string last;
    for (; i < tokens_.size(); ++i) {
      const std::string& word = tokens_[i];
      if (is_function_word(word) || is_determiner(word) || (find_ordinal(word) && !noun.empty()))
        break;
      if (word == "one" || word == "ones") {
        if (noun.empty()) {
          ++i;
          phrase.count = word == "ones" ? 0 : phrase.count;
        }
        break;
      }
      if (!noun.empty() || !last.empty()) {
        if (find_verb(word) && !is_plain_noun(i)) break;
        if (looks_like_participle(word) || (find_adjective(word) && !find_side(word))) break;
        if (find_side(word)) break;
      } else if (find_verb(word) && word.ends_with("ing")) {
        break;
      }
      if (!last.empty()) noun += (noun.empty() ? "" : " ") + last;
      last = word;
    }
    if (last.empty()) return noun;
    const Singular singular = to_singular(last);
    if (singular.plural && phrase.count == 1) phrase.count = 0;
    return noun + (noun.empty() ? "" : " ") + singular.word;
  }

  /// A word that could be a verb but, in its plain form behind another noun, ends a compound ("drum
  /// kit cover").
  bool is_plain_noun(size_t i) const {
    const auto verb = find_verb(at(i));
    return verb && verb->lemma == at(i) &&
           (i + 1 == tokens_.size() || is_function_word(at(i + 1))) &&
           verb->kind == VerbClass::kOther;
  }

  /// "pair of scissors", "the larger of the two dogs", "the tail of the dog", "the man's hat".
  void read_of(size_t& position, NounPhrase& phrase, int depth) {
    const bool possessive = at(position) == "'s";
    if ((at(position) != "of" && !possessive) || depth >= kDeepest) return;
    size_t next = position + 1;
    NounPhrase other;
    if (!read_phrase(next, other, depth + 1)) return;
    if (possessive) {
      std::swap(other, phrase);
      Constraint of = make(Trait::kRelation, "of");
      of.others.push_back(std::move(other));
      phrase.constraints.push_back(std::move(of));
    } else if (phrase.noun.empty() || is_group_noun(phrase.noun)) {
      if (!phrase.noun.empty()) phrase.count = other.count;
      phrase.noun = other.noun;
      for (Constraint& c : other.constraints) phrase.constraints.push_back(std::move(c));
    } else {
      Constraint of = make(Trait::kRelation, "of");
      of.others.push_back(std::move(other));
      phrase.constraints.push_back(std::move(of));
    }
    position = next;
  }

  /// "the man in a red shirt": clothes belong to the nearest noun, all else to the main object.
  void read_clothes(size_t& position, NounPhrase& phrase, int depth) {
    size_t next = position;
    if (at(next) != "in" && at(next) != "wearing") return;
    ++next;
    NounPhrase clothes;
    if (!read_phrase(next, clothes, depth + 1) || !is_clothing(clothes.noun)) return;
    Constraint wear = make(Trait::kRelation, "wear");
    wear.others.push_back(std::move(clothes));
    phrase.constraints.push_back(std::move(wear));
    position = next;
  }

  /// Reads one modifier, or skips one word; returns where to go on.
  size_t read_one(size_t position, NounPhrase& phrase, Sentence& sentence) {
    const std::string& word = at(position);
    if (word == "not" || word == "never" || word == "no" || word == "neither" || word == "nor") {
      negated_ = true;
      return position + (at(position + 1) == "longer" ? 2 : 1);
    }
    if (word == "without") {
      negated_ = true;
      size_t next = position + 1;
      NounPhrase other;
      if (!find_verb(at(next)) && read_phrase(next, other, 1)) {
        Constraint with = make(Trait::kRelation, is_clothing(other.noun) ? "wear" : "with");
        with.others.push_back(std::move(other));
        add(phrase, {std::move(with)});
        return next;
      }
      return position + 1;
    }
    if (word == "and" && read_one_more(position, phrase)) return position;
    if (starts_another_part(position)) {
      if (!phrase.constraints.empty() && phrase.constraints.back().when == When::kAlways) {
        phrase.constraints.back().when = When::kStart;
      }
      pending_when_ = When::kEnd;
      return position + (at(position + 1) == "to" ? 2 : 1);
    }
    const auto next_verb = find_verb(at(position + 1));
    if (word == "first" && next_verb && next_verb->kind != VerbClass::kAppear &&
        next_verb->kind != VerbClass::kLeave) {
      pending_when_ = When::kStart;
      return position + 1;
    }
    const PhraseReader reader = [this](size_t& at, NounPhrase& found) {
      return read_phrase(at, found, 1);
    };
    if (auto reading = read_modifier(tokens_, position, rank_, reader)) {
      if (reading->when) {
        set_when(phrase, *reading->when);
      } else {
        if (word.starts_with("to")) places_to_directions(phrase, reading->constraints);
        add(phrase, std::move(reading->constraints));
      }
      return position + reading->length;
    }
    if (auto adjective = find_adjective(word)) {
      if (adjective->trait == Trait::kSize && rank_)
        adjective->rank = *std::exchange(rank_, std::nullopt);
      add(phrase, {std::move(*adjective)});
      return position + 1;
    }
    if (const auto ordinal = find_ordinal(word)) {
      rank_ = ordinal;
      return position + 1;
    }
    if (word == "but" || word == "," || word == "while") negated_ = false;
    if (!is_function_word(word) && !is_determiner(word) && word != "one")
      sentence.unread.push_back(word);
    return position + 1;
  }

  /// "then", or "starts" in front of a verb: what follows holds later than what came before.
  bool starts_another_part(size_t i) const {
    const std::string& word = at(i);
    if (word == "then" || word == "afterwards" || word == "later") return true;
    const bool begins = word.starts_with("start") || word.starts_with("begin") || word == "began";
    return begins && (at(i + 1) == "to" || find_verb(at(i + 1)));
  }

  /// "holding a ball and a stick": the relation holds with what follows, too.
  bool read_one_more(size_t& position, NounPhrase& phrase) {
    if (phrase.constraints.empty() || phrase.constraints.back().trait != Trait::kRelation)
      return false;
    size_t next = position + 1;
    NounPhrase other;
    if (find_verb(at(next)) || !read_phrase(next, other, 1) || other.noun.empty()) return false;
    Constraint more = phrase.constraints.back();
    more.others = {std::move(other)};
    phrase.constraints.push_back(std::move(more));
    position = next;
    return true;
  }

  /// "swimming slowly to the right" says where to, not where.
  static void places_to_directions(const NounPhrase& phrase, std::vector<Constraint>& constraints) {
    if (phrase.constraints.empty() || phrase.constraints.back().trait != Trait::kMotion ||
        phrase.constraints.back().value == "still") {
      return;
    }
    for (Constraint& c : constraints) {
      if (c.trait != Trait::kPlace) continue;
      c.trait = Trait::kMotion;
      c.value = c.value == "top" ? "up" : c.value == "bottom" ? "down" : c.value;
    }
  }

  void add(NounPhrase& phrase, std::vector<Constraint> constraints) {
    for (Constraint& c : constraints) {
      if (negated_) c.negated = !c.negated;
      if (pending_when_) c.when = *pending_when_;
      phrase.constraints.push_back(std::move(c));
    }
    if (!constraints.empty()) {
      negated_ = false;
      pending_when_.reset();
    }
  }

  void set_when(NounPhrase& phrase, When when) {
    if (phrase.constraints.empty()) {
      pending_when_ = when;
    } else {
      phrase.constraints.back().when = when;
    }
  }

  /// "the last car", with nothing to say what it is the last of: the last to appear.
  void resolve_rank(NounPhrase& head) {
    if (!rank_) return;
    for (Constraint& c : head.constraints) {
      if (c.trait == Trait::kPlace && c.value != "middle") {
        c.trait = Trait::kRank;
        c.rank = *rank_;
        return;
      }
    }
    Constraint c = make(Trait::kOrder, "appear");
    c.rank = *rank_;
    head.constraints.push_back(std::move(c));
  }

  /// Not moving is being still, not being still is moving; nothing is said twice.
  static void tidy(NounPhrase& phrase) {
    std::vector<Constraint> kept;
    for (Constraint& c : phrase.constraints) {
      if (c.trait == Trait::kMotion && c.negated && (c.value == "any" || c.value == "still")) {
        c.value = c.value == "any" ? "still" : "any";
        c.negated = false;
      }
      for (NounPhrase& other : c.others) tidy(other);
      const bool known = std::ranges::any_of(
          kept, [&](const Constraint& k) { return to_string(k) == to_string(c); });
      if (!known) kept.push_back(std::move(c));
    }
    phrase.constraints = std::move(kept);
  }

  static constexpr int kDeepest = 4;

  Tokens tokens_;
  std::optional<int> rank_;
  std::optional<When> pending_when_;
  bool negated_ = false;
};

}  // namespace

Sentence parse_sentence(std::string_view text) {
  const std::vector<std::string> tokens = sentence_words(text);
  if (tokens.empty() || tokens.size() > kMostWords) {
    throw Error(ErrorKind::kInvalidArgument, "sentence: expected 1 to " +
                                                 std::to_string(kMostWords) + " words, got " +
                                                 std::to_string(tokens.size()));
  }
  return Parser(tokens).parse();
}

}  // namespace alref::reasoning
