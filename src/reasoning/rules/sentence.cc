// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/sentence.h"

namespace alref::reasoning {
namespace {

std::string_view trait_name(Trait trait) {
  switch (trait) {
    case Trait::kColour:
      return "colour";
    case Trait::kQuality:
      return "quality";
    case Trait::kPlace:
      return "place";
    case Trait::kDepth:
      return "depth";
    case Trait::kSize:
      return "size";
    case Trait::kRank:
      return "rank";
    case Trait::kOrder:
      return "order";
    case Trait::kMotion:
      return "motion";
    case Trait::kAlone:
      return "company";
    case Trait::kRelation:
      return "relation";
    case Trait::kAction:
      return "action";
  }
  return "";
}

bool is_ranked(const Constraint& c) {
  return c.trait == Trait::kRank || c.trait == Trait::kOrder ||
         (c.trait == Trait::kSize && c.rank != 1);
}

}  // namespace

std::string to_string(const Constraint& c) {
  std::string text = c.negated ? "!" : "";
  if (c.trait == Trait::kRelation) {
    text += c.value + "(";
    for (size_t i = 0; i < c.others.size(); ++i)
      text += (i > 0 ? ", " : "") + to_string(c.others[i]);
    text += ")";
  } else {
    text += std::string(trait_name(c.trait)) + "=" + c.value;
  }
  if (is_ranked(c)) text += "/" + (c.rank < 0 ? std::string("last") : std::to_string(c.rank));
  if (c.when == When::kStart) text += "@start";
  if (c.when == When::kEnd) text += "@end";
  return text;
}

std::string to_string(const NounPhrase& phrase) {
  std::string text = phrase.other ? "other " : "";
  if (phrase.count > 1) text += std::to_string(phrase.count) + " ";
  if (phrase.count == 0) text += "many ";
  text += phrase.noun.empty() ? "thing" : phrase.noun;
  for (size_t i = 0; i < phrase.constraints.size(); ++i) {
    text += (i == 0 ? ": " : " ") + to_string(phrase.constraints[i]);
  }
  return text;
}

std::string caption_of(const NounPhrase& phrase) {
  // With an article: alone under the detector's sub-sentence mask, a text encoder's token for a
  // bare noun hardly tells nouns apart.
  std::string caption = "the ";
  for (const Constraint& c : phrase.constraints) {
    if (c.trait == Trait::kQuality && !c.negated) caption += c.value + " ";
  }
  return caption + (phrase.noun.empty() ? "object" : phrase.noun);
}

}  // namespace alref::reasoning
