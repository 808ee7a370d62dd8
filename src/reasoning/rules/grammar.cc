// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/grammar.h"

#include <algorithm>
#include <array>

#include "reasoning/rules/grammar_rules.h"
#include "reasoning/rules/lexicon.h"

namespace alref::reasoning {
namespace {

using namespace std::string_view_literals;

constexpr std::array kFrameNouns = {"frame"sv,   "screen"sv, "image"sv,  "picture"sv, "video"sv,
                                    "view"sv,    "scene"sv,  "shot"sv,   "clip"sv,    "photo"sv,
                                    "footage"sv, "sight"sv,  "display"sv};
constexpr std::array kViewerNouns = {"camera"sv,  "viewer"sv, "us"sv,      "me"sv,
                                     "viewers"sv, "lens"sv,   "observer"sv};

enum class ElementKind { kWords, kSide, kOrdinal, kPhrase, kFrame, kViewer, kVerb, kAct, kGroup };

struct Element {
  ElementKind kind = ElementKind::kWords;
  bool optional = false;
  std::vector<std::string_view> words;
  VerbClass verb = VerbClass::kOther;
  std::vector<Element> group;
};

using Elements = std::vector<Element>;

Element variable(std::string_view name) {
  struct Name {
    std::string_view name;
    ElementKind kind;
    VerbClass verb = VerbClass::kOther;
  };
  static constexpr auto kNames = std::to_array<Name>({
      {"side", ElementKind::kSide},
      {"ord", ElementKind::kOrdinal},
      {"np", ElementKind::kPhrase},
      {"frame", ElementKind::kFrame},
      {"viewer", ElementKind::kViewer},
      {"act", ElementKind::kAct},
      {"move", ElementKind::kVerb, VerbClass::kMove},
      {"still", ElementKind::kVerb, VerbClass::kStill},
      {"turn", ElementKind::kVerb, VerbClass::kTurn},
      {"appear", ElementKind::kVerb, VerbClass::kAppear},
      {"leave", ElementKind::kVerb, VerbClass::kLeave},
      {"grow", ElementKind::kVerb, VerbClass::kGrow},
      {"shrink", ElementKind::kVerb, VerbClass::kShrink},
      {"relate", ElementKind::kVerb, VerbClass::kRelate},
      {"other", ElementKind::kVerb, VerbClass::kOther},
  });
  const auto found = std::ranges::find(kNames, name, &Name::name);
  Element element;
  element.kind = found->kind;
  element.verb = found->verb;
  return element;
}

/// Reads elements up to the end or to the bracket that closes the group.
Elements parse_elements(std::string_view& text) {
  Elements elements;
  while (!text.empty() && text.front() != ')') {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    Element element;
    if (text.front() == '(') {
      text.remove_prefix(1);
      element.kind = ElementKind::kGroup;
      element.group = parse_elements(text);
      text.remove_prefix(1);
    } else if (text.front() == '<') {
      const size_t close = text.find('>');
      element = variable(text.substr(1, close - 1));
      text.remove_prefix(close + 1);
    } else {
      const size_t end = std::min(text.find_first_of(" ?()"), text.size());
      for (std::string_view words = text.substr(0, end); !words.empty();) {
        const size_t bar = std::min(words.find('|'), words.size());
        element.words.push_back(words.substr(0, bar));
        words.remove_prefix(std::min(bar + 1, words.size()));
      }
      text.remove_prefix(end);
    }
    if (text.starts_with('?')) {
      element.optional = true;
      text.remove_prefix(1);
    }
    elements.push_back(std::move(element));
  }
  return elements;
}

struct CompiledRule {
  Elements elements;
  std::string_view meaning;
};

const std::vector<CompiledRule>& compiled_rules() {
  static const std::vector<CompiledRule> rules = [] {
    std::vector<CompiledRule> compiled;
    for (const Rule& rule : kRules) {
      std::string_view pattern = rule.pattern;
      Elements elements = parse_elements(pattern);
      compiled.push_back({std::move(elements), rule.meaning});
    }
    return compiled;
  }();
  return rules;
}

/// Matches one pattern; the first way that fits is taken, with optional elements rather present.
class Matcher {
 public:
  Matcher(Tokens tokens, const PhraseReader& read_phrase)
      : tokens_(tokens), read_phrase_(read_phrase) {}

  std::optional<size_t> match(std::span<const Element> elements, size_t position,
                              Captures& captures) const {
    if (elements.empty()) return position;
    const Element& first = elements.front();
    const auto rest = elements.subspan(1);
    Captures attempt = captures;
    if (const auto next = match_one(first, position, attempt)) {
      if (const auto end = match(rest, *next, attempt)) {
        captures = std::move(attempt);
        return end;
      }
    }
    return first.optional ? match(rest, position, captures) : std::nullopt;
  }

 private:
  std::optional<size_t> match_one(const Element& element, size_t position,
                                  Captures& captures) const {
    if (element.kind == ElementKind::kGroup) return match(element.group, position, captures);
    if (element.kind == ElementKind::kPhrase) {
      NounPhrase phrase;
      if (!read_phrase_(position, phrase)) return std::nullopt;
      captures.phrases.push_back(std::move(phrase));
      return position;
    }
    if (position >= tokens_.size()) return std::nullopt;
    return matches_word(element, tokens_[position], captures) ? std::optional(position + 1)
                                                              : std::nullopt;
  }

  static bool matches_word(const Element& element, const std::string& word, Captures& captures) {
    switch (element.kind) {
      case ElementKind::kWords:
        return std::ranges::find(element.words, word) != element.words.end();
      case ElementKind::kSide:
        if (const auto side = find_side(word)) {
          captures.sides.emplace_back(*side);
          return true;
        }
        return false;
      case ElementKind::kOrdinal:
        captures.ordinal = find_ordinal(word);
        return captures.ordinal.has_value();
      case ElementKind::kFrame:
        return is_frame_noun(word);
      case ElementKind::kViewer:
        return std::ranges::find(kViewerNouns, word) != kViewerNouns.end();
      case ElementKind::kVerb: {
        const auto verb =
            word == "left" ? std::nullopt : find_verb(word);  // "left" is a side, not a past tense
        if (!verb || verb->kind != element.verb) return false;
        captures.verb = verb->lemma;
        return true;
      }
      case ElementKind::kAct:
        if (!looks_like_participle(word) || word == "being" || find_verb(word)) return false;
        captures.verb = stem_of_participle(word);
        return true;
      case ElementKind::kPhrase:
      case ElementKind::kGroup:
        break;
    }
    return false;
  }

  Tokens tokens_;
  const PhraseReader& read_phrase_;
};

std::string opposite(std::string_view side) {
  if (side == "left") return "right";
  if (side == "right") return "left";
  if (side == "top") return "bottom";
  if (side == "bottom") return "top";
  return std::string(side);
}

std::string direction(std::string_view side) {
  if (side == "top") return "up";
  if (side == "bottom") return "down";
  return side == "middle" ? "any" : std::string(side);
}

/// A relation's name, with other verbs for the same thing brought together.
std::string relation_name(std::string name, const std::vector<NounPhrase>& others) {
  static constexpr auto kSame = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"top-of", "above"},
      {"bottom-of", "below"},
      {"middle-of", "between"},
      {"carry", "hold"},
      {"grab", "hold"},
      {"carry-by", "held-by"},
      {"hold-by", "held-by"},
      {"lift-by", "held-by"},
      {"grab-by", "held-by"},
      {"lift", "hold"},
      {"chase", "follow"},
      {"chase-by", "followed-by"},
      {"follow-by", "followed-by"},
      {"ride-by", "ridden-by"},
      {"cover-by", "behind"},
  });
  const auto found =
      std::ranges::find(kSame, name, &std::pair<std::string_view, std::string_view>::first);
  if (found != kSame.end()) name = found->second;
  const bool clothing = !others.empty() &&
                        (is_clothing(others[0].noun) || others[0].noun.empty()) && !others[0].other;
  if (clothing && (name == "in" || name == "with")) name = "wear";
  return name;
}

std::string fill_value(std::string_view value, const Captures& captures) {
  if (value.size() >= 2 && (value[1] == '1' || value[1] == '2')) {
    const std::string& side = captures.sides.at(static_cast<size_t>(value[1] - '1'));
    if (value[0] == '$') return side + std::string(value.substr(2));
    if (value[0] == '>') return direction(side);
    if (value[0] == '<') return direction(opposite(side));
  }
  if (value.starts_with("$v")) return captures.verb + std::string(value.substr(2));
  return std::string(value);
}

Trait trait_named(std::string_view name) {
  if (name == "place") return Trait::kPlace;
  if (name == "depth") return Trait::kDepth;
  if (name == "rank") return Trait::kRank;
  if (name == "order") return Trait::kOrder;
  if (name == "motion") return Trait::kMotion;
  if (name == "company") return Trait::kAlone;
  if (name == "relation") return Trait::kRelation;
  return Trait::kAction;
}

Reading interpret(std::string_view meaning, const Captures& captures, int rank) {
  Reading reading;
  if (meaning == "@start") reading.when = When::kStart;
  if (meaning == "@end") reading.when = When::kEnd;
  if (reading.when) return reading;
  while (!meaning.empty()) {
    const size_t end = std::min(meaning.find(';'), meaning.size());
    std::string_view part = meaning.substr(0, end);
    while (part.starts_with(' ')) part.remove_prefix(1);
    const size_t space = part.find(' ');
    Constraint constraint;
    constraint.trait = trait_named(part.substr(0, space));
    constraint.value = fill_value(part.substr(space + 1), captures);
    constraint.rank = rank;
    if (constraint.trait == Trait::kRelation) {
      constraint.others = captures.phrases;
      constraint.value = relation_name(constraint.value, constraint.others);
    }
    reading.constraints.push_back(std::move(constraint));
    meaning.remove_prefix(std::min(end + 1, meaning.size()));
  }
  return reading;
}

}  // namespace

bool is_frame_noun(std::string_view word) {
  return std::ranges::find(kFrameNouns, word) != kFrameNouns.end();
}

std::optional<Reading> read_modifier(Tokens tokens, size_t position, std::optional<int>& rank,
                                     const PhraseReader& read_phrase) {
  constexpr std::string_view kNeedsRank = "rank ";
  const Matcher matcher(tokens, read_phrase);
  std::optional<Reading> best;
  bool uses_rank = false;
  for (const CompiledRule& rule : compiled_rules()) {
    Captures captures;
    const auto end = matcher.match(rule.elements, position, captures);
    if (!end || *end == position || (best && *end - position <= best->length)) continue;
    std::string_view meaning = rule.meaning;
    const bool ranked = meaning.starts_with(kNeedsRank);
    if (ranked) meaning.remove_prefix(kNeedsRank.size());
    if (ranked && !captures.ordinal && !rank) continue;
    best = interpret(meaning, captures, ranked ? captures.ordinal ? *captures.ordinal : *rank : 1);
    best->length = *end - position;
    uses_rank = ranked;
  }
  if (uses_rank) rank.reset();
  return best;
}

}  // namespace alref::reasoning
