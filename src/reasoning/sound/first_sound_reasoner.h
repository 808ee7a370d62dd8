// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "reasoning/sound/sound_reasoner.h"

namespace alref::reasoning {

/// No reasoning at all: the likeliest tag, as the detector understands it, on the first frame.
class FirstSoundReasoner : public SoundReasoner {
 public:
  std::string_view name() const override { return "first"; }

  SoundingChoice name_objects(Scene&, const HeardClip& heard) override {
    SoundingChoice choice;
    const auto best = std::ranges::max_element(heard.tags, {}, &AudioTag::probability);
    if (best != heard.tags.end()) {
      choice.objects.push_back({best->name.substr(0, best->name.find_first_of(",;(")), 1});
    }
    return choice;
  }
  std::vector<Choice> choose_boxes(Scene&, const HeardClip&,
                                   std::span<const SoundingBoxQuestion> questions) override {
    std::vector<Choice> choices(questions.size());
    for (size_t i = 0; i < questions.size(); ++i) {
      const auto best = std::ranges::max_element(questions[i].boxes, {}, &Detection::score);
      choices[i].number = static_cast<int>(best - questions[i].boxes.begin()) + 1;
    }
    return choices;
  }
};

}  // namespace alref::reasoning
