// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/lexicon.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace alref::reasoning {
namespace {

using Words = std::span<const std::string_view>;
using namespace std::string_view_literals;

bool is_in(std::string_view word, Words words) {
  return std::ranges::find(words, word) != words.end();
}

// --- verbs ---

constexpr std::array kMoveVerbs = {
    "move"sv,     "go"sv,      "walk"sv,  "run"sv,     "drive"sv, "fly"sv,     "swim"sv,
    "crawl"sv,    "jump"sv,    "climb"sv, "roll"sv,    "slide"sv, "float"sv,   "drift"sv,
    "sail"sv,     "travel"sv,  "head"sv,  "come"sv,    "rush"sv,  "race"sv,    "hop"sv,
    "trot"sv,     "gallop"sv,  "speed"sv, "glide"sv,   "fall"sv,  "rise"sv,    "cross"sv,
    "pass"sv,     "wander"sv,  "creep"sv, "sprint"sv,  "skate"sv, "ski"sv,     "surf"sv,
    "dash"sv,     "stroll"sv,  "march"sv, "dance"sv,   "drop"sv,  "descend"sv, "ascend"sv,
    "proceed"sv,  "jog"sv,     "dive"sv,  "advance"sv, "shift"sv, "step"sv,    "bounce"sv,
    "approach"sv, "retreat"sv, "recede"sv};
constexpr std::array kStillVerbs = {"stand"sv, "sit"sv,    "lie"sv,   "rest"sv, "sleep"sv,
                                    "stay"sv,  "remain"sv, "park"sv,  "stop"sv, "wait"sv,
                                    "lay"sv,   "kneel"sv,  "perch"sv, "hover"sv};
constexpr std::array kTurnVerbs = {"turn"sv,   "rotate"sv, "spin"sv,
                                   "circle"sv, "twist"sv,  "swirl"sv};
constexpr std::array kAppearVerbs = {"appear"sv, "enter"sv, "emerge"sv, "arrive"sv, "show"sv};
constexpr std::array kLeaveVerbs = {"disappear"sv, "leave"sv, "exit"sv, "vanish"sv, "depart"sv};
constexpr std::array kGrowVerbs = {"grow"sv, "expand"sv, "enlarge"sv};
constexpr std::array kShrinkVerbs = {"shrink"sv, "diminish"sv};
constexpr std::array kRelateVerbs = {
    "hold"sv,   "carry"sv, "ride"sv,  "wear"sv, "push"sv,  "pull"sv,     "chase"sv,
    "follow"sv, "hug"sv,   "touch"sv, "kick"sv, "catch"sv, "throw"sv,    "lead"sv,
    "hit"sv,    "lick"sv,  "bite"sv,  "grab"sv, "face"sv,  "overtake"sv, "lift"sv,
    "drag"sv,   "use"sv,   "feed"sv,  "pet"sv,  "cover"sv, "hide"sv};
constexpr std::array kOtherVerbs = {
    "eat"sv,     "play"sv,  "look"sv,  "watch"sv,    "talk"sv,    "sing"sv, "drink"sv, "graze"sv,
    "fight"sv,   "work"sv,  "wave"sv,  "shake"sv,    "bark"sv,    "cook"sv, "read"sv,  "bend"sv,
    "raise"sv,   "lower"sv, "open"sv,  "close"sv,    "swing"sv,   "swap"sv, "land"sv,  "take"sv,
    "pick"sv,    "put"sv,   "get"sv,   "do"sv,       "have"sv,    "make"sv, "keep"sv,  "lean"sv,
    "perform"sv, "speak"sv, "smile"sv, "sniff"sv,    "wag"sv,     "flap"sv, "peck"sv,  "stretch"sv,
    "see"sv,     "drum"sv,  "chew"sv,  "interact"sv, "wrestle"sv, "wash"sv, "clean"sv};

struct Irregular {
  std::string_view form, lemma;
};
constexpr std::array<Irregular, 39> kIrregular = {{
    {"went", "go"},       {"goes", "go"},      {"ran", "run"},      {"drove", "drive"},
    {"flew", "fly"},      {"flies", "fly"},    {"swam", "swim"},    {"came", "come"},
    {"stood", "stand"},   {"sat", "sit"},      {"lying", "lie"},    {"lies", "lie"},
    {"held", "hold"},     {"rode", "ride"},    {"ridden", "ride"},  {"wore", "wear"},
    {"worn", "wear"},     {"left", "leave"},   {"grew", "grow"},    {"grown", "grow"},
    {"caught", "catch"},  {"thrown", "throw"}, {"threw", "throw"},  {"led", "lead"},
    {"fell", "fall"},     {"rose", "rise"},    {"slept", "sleep"},  {"has", "have"},
    {"had", "have"},      {"does", "do"},      {"driven", "drive"}, {"spun", "spin"},
    {"shrank", "shrink"}, {"fed", "feed"},     {"hidden", "hide"},  {"shown", "show"},
    {"fought", "fight"},  {"ate", "eat"},      {"hid", "hide"},
}};

std::optional<Verb> known_lemma(std::string_view word) {
  struct Class {
    Words words;
    VerbClass kind;
  };
  static constexpr std::array<Class, 9> kClasses = {{{kMoveVerbs, VerbClass::kMove},
                                                     {kStillVerbs, VerbClass::kStill},
                                                     {kTurnVerbs, VerbClass::kTurn},
                                                     {kAppearVerbs, VerbClass::kAppear},
                                                     {kLeaveVerbs, VerbClass::kLeave},
                                                     {kGrowVerbs, VerbClass::kGrow},
                                                     {kShrinkVerbs, VerbClass::kShrink},
                                                     {kRelateVerbs, VerbClass::kRelate},
                                                     {kOtherVerbs, VerbClass::kOther}}};
  for (const Class& c : kClasses) {
    if (const auto found = std::ranges::find(c.words, word); found != c.words.end())
      return Verb{*found, c.kind};
  }
  return std::nullopt;
}

/// The lemma from a stem to which "e" may be missing or whose last letter may be doubled.
std::optional<Verb> known_stem(std::string_view stem) {
  if (const auto verb = known_lemma(stem)) return verb;
  if (const auto verb = known_lemma(std::string(stem) + "e")) return verb;
  const size_t n = stem.size();
  if (n > 2 && stem[n - 1] == stem[n - 2]) return known_lemma(stem.substr(0, n - 1));
  if (stem.ends_with('i')) return known_lemma(std::string(stem.substr(0, n - 1)) + "y");
  return std::nullopt;
}

// --- adjectives ---

struct Adjective {
  std::string_view word;
  Trait trait;
  std::string_view value;
  int rank = 1;
};
constexpr std::array kAdjectives = std::to_array<Adjective>({
    {"black", Trait::kColour, "black"},
    {"white", Trait::kColour, "white"},
    {"grey", Trait::kColour, "grey"},
    {"gray", Trait::kColour, "grey"},
    {"silver", Trait::kColour, "grey"},
    {"red", Trait::kColour, "red"},
    {"green", Trait::kColour, "green"},
    {"blue", Trait::kColour, "blue"},
    {"yellow", Trait::kColour, "yellow"},
    {"golden", Trait::kColour, "yellow"},
    {"orange", Trait::kColour, "orange"},
    {"brown", Trait::kColour, "brown"},
    {"tan", Trait::kColour, "brown"},
    {"beige", Trait::kColour, "brown"},
    {"pink", Trait::kColour, "pink"},
    {"purple", Trait::kColour, "purple"},
    {"violet", Trait::kColour, "purple"},
    {"reddish", Trait::kColour, "red"},
    {"big", Trait::kSize, "big"},
    {"bigger", Trait::kSize, "big"},
    {"biggest", Trait::kSize, "big"},
    {"large", Trait::kSize, "big"},
    {"larger", Trait::kSize, "big"},
    {"largest", Trait::kSize, "big"},
    {"huge", Trait::kSize, "big"},
    {"giant", Trait::kSize, "big"},
    {"small", Trait::kSize, "small"},
    {"smaller", Trait::kSize, "small"},
    {"smallest", Trait::kSize, "small"},
    {"little", Trait::kSize, "small"},
    {"tiny", Trait::kSize, "small"},
    {"littlest", Trait::kSize, "small"},
    {"tall", Trait::kSize, "tall"},
    {"taller", Trait::kSize, "tall"},
    {"tallest", Trait::kSize, "tall"},
    {"short", Trait::kSize, "short"},
    {"shorter", Trait::kSize, "short"},
    {"shortest", Trait::kSize, "short"},
    {"long", Trait::kSize, "long"},
    {"longer", Trait::kSize, "long"},
    {"longest", Trait::kSize, "long"},
    {"wide", Trait::kSize, "wide"},
    {"wider", Trait::kSize, "wide"},
    {"widest", Trait::kSize, "wide"},
    {"thin", Trait::kSize, "thin"},
    {"thinner", Trait::kSize, "thin"},
    {"thinnest", Trait::kSize, "thin"},
    {"narrow", Trait::kSize, "thin"},
    {"medium", Trait::kSize, "big", 2},
    {"left", Trait::kPlace, "left"},
    {"leftmost", Trait::kPlace, "left"},
    {"right", Trait::kPlace, "right"},
    {"rightmost", Trait::kPlace, "right"},
    {"lefthand", Trait::kPlace, "left"},
    {"righthand", Trait::kPlace, "right"},
    {"top", Trait::kPlace, "top"},
    {"topmost", Trait::kPlace, "top"},
    {"upper", Trait::kPlace, "top"},
    {"uppermost", Trait::kPlace, "top"},
    {"highest", Trait::kPlace, "top"},
    {"high", Trait::kPlace, "top"},
    {"low", Trait::kPlace, "bottom"},
    {"higher", Trait::kPlace, "top"},
    {"bottom", Trait::kPlace, "bottom"},
    {"lower", Trait::kPlace, "bottom"},
    {"lowest", Trait::kPlace, "bottom"},
    {"lowermost", Trait::kPlace, "bottom"},
    {"bottommost", Trait::kPlace, "bottom"},
    {"middle", Trait::kPlace, "middle"},
    {"center", Trait::kPlace, "middle"},
    {"centre", Trait::kPlace, "middle"},
    {"central", Trait::kPlace, "middle"},
    {"front", Trait::kDepth, "near"},
    {"foremost", Trait::kDepth, "near"},
    {"nearest", Trait::kDepth, "near"},
    {"closest", Trait::kDepth, "near"},
    {"nearer", Trait::kDepth, "near"},
    {"closer", Trait::kDepth, "near"},
    {"back", Trait::kDepth, "far"},
    {"rear", Trait::kDepth, "far"},
    {"farthest", Trait::kDepth, "far"},
    {"furthest", Trait::kDepth, "far"},
    {"farther", Trait::kDepth, "far"},
    {"further", Trait::kDepth, "far"},
    {"far", Trait::kDepth, "far"},
    {"distant", Trait::kDepth, "far"},
    {"still", Trait::kMotion, "still"},
    {"stationary", Trait::kMotion, "still"},
    {"motionless", Trait::kMotion, "still"},
    {"static", Trait::kMotion, "still"},
    {"immobile", Trait::kMotion, "still"},
    {"unmoving", Trait::kMotion, "still"},
    {"idle", Trait::kMotion, "still"},
    {"fast", Trait::kMotion, "fast"},
    {"faster", Trait::kMotion, "fast"},
    {"fastest", Trait::kMotion, "fast"},
    {"quick", Trait::kMotion, "fast"},
    {"quickest", Trait::kMotion, "fast"},
    {"slow", Trait::kMotion, "slow"},
    {"slower", Trait::kMotion, "slow"},
    {"slowest", Trait::kMotion, "slow"},
    {"lone", Trait::kAlone, "alone"},
    {"solitary", Trait::kAlone, "alone"},
});

constexpr std::array kQualities = {
    "young"sv, "old"sv,    "striped"sv, "spotted"sv,  "wooden"sv,   "metal"sv, "plastic"sv,
    "furry"sv, "fluffy"sv, "round"sv,   "square"sv,   "fat"sv,      "cute"sv,  "adult"sv,
    "empty"sv, "full"sv,   "dark"sv,    "light"sv,    "bright"sv,   "dirty"sv, "wet"sv,
    "bald"sv,  "female"sv, "male"sv,    "colorful"sv, "colourful"sv};

// --- nouns ---

struct Plural {
  std::string_view plural, singular;
};
constexpr std::array kPlurals = std::to_array<Plural>({{"people", "person"},
                                                       {"persons", "person"},
                                                       {"men", "man"},
                                                       {"women", "woman"},
                                                       {"children", "child"},
                                                       {"mice", "mouse"},
                                                       {"geese", "goose"},
                                                       {"feet", "foot"},
                                                       {"teeth", "tooth"},
                                                       {"wolves", "wolf"},
                                                       {"calves", "calf"},
                                                       {"knives", "knife"},
                                                       {"leaves", "leaf"},
                                                       {"oxen", "ox"},
                                                       {"loaves", "loaf"},
                                                       {"halves", "half"}});
constexpr std::array kSameInPlural = {
    "sheep"sv,   "deer"sv,       "fish"sv,       "scissors"sv, "pants"sv,  "glasses"sv,
    "jeans"sv,   "bus"sv,        "grass"sv,      "glass"sv,    "dress"sv,  "bison"sv,
    "shorts"sv,  "gas"sv,        "lens"sv,       "canvas"sv,   "cactus"sv, "walrus"sv,
    "goggles"sv, "sunglasses"sv, "binoculars"sv, "clothes"sv,  "tennis"sv, "hippopotamus"sv,
    "octopus"sv, "series"sv};

constexpr std::array kDeterminers = {
    "the"sv,  "a"sv,    "an"sv,    "this"sv,  "these"sv,   "those"sv, "its"sv,
    "his"sv,  "her"sv,  "their"sv, "my"sv,    "our"sv,     "your"sv,  "some"sv,
    "any"sv,  "all"sv,  "each"sv,  "every"sv, "both"sv,    "only"sv,  "single"sv,
    "same"sv, "very"sv, "most"sv,  "more"sv,  "another"sv, "that"sv};
constexpr std::array kFunctionWords = {
    ","sv,          "and"sv,     "or"sv,        "but"sv,       "while"sv,     "then"sv,
    "that"sv,       "which"sv,   "who"sv,       "whose"sv,     "whom"sv,      "is"sv,
    "are"sv,        "was"sv,     "were"sv,      "be"sv,        "being"sv,     "been"sv,
    "am"sv,         "not"sv,     "never"sv,     "without"sv,   "with"sv,      "of"sv,
    "on"sv,         "in"sv,      "at"sv,        "to"sv,        "from"sv,      "by"sv,
    "for"sv,        "into"sv,    "onto"sv,      "off"sv,       "out"sv,       "over"sv,
    "under"sv,      "above"sv,   "below"sv,     "behind"sv,    "beside"sv,    "besides"sv,
    "near"sv,       "next"sv,    "between"sv,   "towards"sv,   "toward"sv,    "through"sv,
    "across"sv,     "along"sv,   "around"sv,    "against"sv,   "inside"sv,    "beneath"sv,
    "underneath"sv, "up"sv,      "down"sv,      "upward"sv,    "upwards"sv,   "downward"sv,
    "downwards"sv,  "forward"sv, "forwards"sv,  "backward"sv,  "backwards"sv, "away"sv,
    "as"sv,         "it"sv,      "he"sv,        "she"sv,       "they"sv,      "them"sv,
    "him"sv,        "itself"sv,  "himself"sv,   "herself"sv,   "when"sv,      "where"sv,
    "after"sv,      "before"sv,  "during"sv,    "there"sv,     "has"sv,       "have"sv,
    "had"sv,        "does"sv,    "do"sv,        "did"sv,       "will"sv,      "can"sv,
    "also"sv,       "just"sv,    "first"sv,     "last"sv,      "alone"sv,     "quickly"sv,
    "slowly"sv,     "'s"sv,      "alongside"sv, "within"sv,    "nearby"sv,    "together"sv,
    "initially"sv,  "finally"sv, "leftward"sv,  "rightward"sv, "leftwards"sv, "rightwards"sv,
    "no"sv,         "longer"sv,  "amid"sv,      "among"sv,     "atop"sv,      "via"sv,
    "than"sv};
constexpr std::array kGroupNouns = {"group"sv, "pair"sv, "herd"sv, "flock"sv, "bunch"sv, "couple"sv,
                                    "piece"sv, "kind"sv, "type"sv, "set"sv,   "pack"sv,  "row"sv};
constexpr std::array kClothing = {
    "shirt"sv,  "t-shirt"sv, "jacket"sv,  "coat"sv,       "dress"sv,    "hat"sv,      "cap"sv,
    "pants"sv,  "jeans"sv,   "shorts"sv,  "skirt"sv,      "suit"sv,     "shoe"sv,     "glasses"sv,
    "helmet"sv, "uniform"sv, "vest"sv,    "sweater"sv,    "hoodie"sv,   "tie"sv,      "scarf"sv,
    "glove"sv,  "boot"sv,    "goggles"sv, "sunglasses"sv, "clothes"sv,  "clothing"sv, "outfit"sv,
    "mask"sv,   "collar"sv,  "jersey"sv,  "top"sv,        "swimsuit"sv, "bag"sv,      "backpack"sv};
constexpr std::array kScenery = {
    "grass"sv, "road"sv,     "ground"sv, "floor"sv, "street"sv, "water"sv,  "sky"sv,
    "field"sv, "snow"sv,     "beach"sv,  "sand"sv,  "wall"sv,   "track"sv,  "air"sv,
    "room"sv,  "park"sv,     "sea"sv,    "lake"sv,  "river"sv,  "forest"sv, "land"sv,
    "path"sv,  "distance"sv, "meadow"sv, "court"sv, "pool"sv,   "ocean"sv,  "side"sv};
constexpr std::array kNumbers = {"two"sv,   "three"sv, "four"sv, "five"sv, "six"sv,
                                 "seven"sv, "eight"sv, "nine"sv, "ten"sv};
constexpr std::array kOrdinals = {"first"sv, "second"sv,  "third"sv,  "fourth"sv, "fifth"sv,
                                  "sixth"sv, "seventh"sv, "eighth"sv, "ninth"sv,  "tenth"sv};
constexpr std::array kNotParticiples = {"ring"sv,     "king"sv,     "wing"sv,      "string"sv,
                                        "thing"sv,    "ceiling"sv,  "morning"sv,   "evening"sv,
                                        "building"sv, "clothing"sv, "painting"sv,  "during"sv,
                                        "railing"sv,  "duckling"sv, "something"sv, "anything"sv};

}  // namespace

std::optional<Verb> find_verb(std::string_view word) {
  for (const Irregular& i : kIrregular) {
    if (i.form == word) return known_lemma(i.lemma);
  }
  if (const auto verb = known_lemma(word)) return verb;
  for (const std::string_view ending : {"ing"sv, "ed"sv, "es"sv, "s"sv}) {
    if (word.size() < ending.size() + 2 || !word.ends_with(ending)) continue;
    if (const auto verb = known_stem(word.substr(0, word.size() - ending.size()))) return verb;
  }
  return std::nullopt;
}

bool looks_like_participle(std::string_view word) {
  return word.size() > 4 && word.ends_with("ing") && !is_in(word, kNotParticiples);
}

std::string stem_of_participle(std::string_view word) {
  std::string stem(word.substr(0, word.size() - 3));
  const size_t n = stem.size();
  if (n > 2 && stem[n - 1] == stem[n - 2] && stem[n - 1] != 'l' && stem[n - 1] != 's')
    stem.pop_back();
  return stem;
}

std::optional<Constraint> find_adjective(std::string_view word) {
  for (const Adjective& a : kAdjectives) {
    if (a.word != word) continue;
    Constraint c;
    c.trait = a.trait;
    c.value = a.value;
    c.rank = a.rank;
    return c;
  }
  if (!is_in(word, kQualities)) return std::nullopt;
  Constraint c;
  c.trait = Trait::kQuality;
  c.value = word;
  return c;
}

std::optional<int> find_ordinal(std::string_view word) {
  if (word == "last" || word == "final") return -1;
  const auto found = std::ranges::find(kOrdinals, word);
  if (found != kOrdinals.end()) return static_cast<int>(found - kOrdinals.begin()) + 1;
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const std::string_view rest(end, static_cast<size_t>(word.data() + word.size() - end));
  if (error == std::errc() && value >= 1 && value <= 20 &&
      is_in(rest, std::array{"st"sv, "nd"sv, "rd"sv, "th"sv})) {
    return value;
  }
  return std::nullopt;
}

std::optional<int> find_number(std::string_view word) {
  const auto found = std::ranges::find(kNumbers, word);
  if (found != kNumbers.end()) return static_cast<int>(found - kNumbers.begin()) + 2;
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size() && value >= 2 && value <= 99
             ? std::optional<int>(value)
             : std::nullopt;
}

std::optional<std::string_view> find_side(std::string_view word) {
  for (const Adjective& a : kAdjectives) {
    if (a.word == word && a.trait == Trait::kPlace) return a.value;
  }
  return std::nullopt;
}

bool is_determiner(std::string_view word) { return is_in(word, kDeterminers); }
bool is_function_word(std::string_view word) { return is_in(word, kFunctionWords); }
bool is_group_noun(std::string_view word) { return is_in(word, kGroupNouns); }
bool is_clothing(std::string_view noun) {
  const size_t space = noun.rfind(' ');
  return is_in(space == std::string_view::npos ? noun : noun.substr(space + 1), kClothing);
}

bool is_scenery(std::string_view noun) { return is_in(noun, kScenery); }

Singular to_singular(std::string_view word) {
  for (const Plural& p : kPlurals) {
    if (p.plural == word) return {std::string(p.singular), true};
  }
  if (is_in(word, kSameInPlural) || word.size() < 4 || !word.ends_with('s') ||
      word.ends_with("ss")) {
    return {std::string(word), false};
  }
  if (word.ends_with("ies") && word.size() > 4)
    return {std::string(word.substr(0, word.size() - 3)) + "y", true};
  for (const std::string_view ending : {"ses"sv, "xes"sv, "ches"sv, "shes"sv, "zes"sv, "toes"sv}) {
    const bool silent_e = word.ends_with("horses") || word.ends_with("houses") ||
                          word.ends_with("nurses") || word.ends_with("vases") ||
                          word.ends_with("shoes");
    if (word.ends_with(ending) && !silent_e)
      return {std::string(word.substr(0, word.size() - 2)), true};
  }
  return {std::string(word.substr(0, word.size() - 1)), true};
}

}  // namespace alref::reasoning
