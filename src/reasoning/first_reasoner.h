// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "reasoning/reasoner.h"

namespace alref::reasoning {

/// The paper's baseline: no reasoning at all. It names no pivot frame, so that the fallback
/// answers: the detector's best box on frame 0.
class FirstReasoner : public Reasoner {
 public:
  std::string_view name() const override { return "first"; }
  std::vector<Choice> choose_frames(Scene&, std::string_view,
                                    std::span<const Clip> clips) override {
    return std::vector<Choice>(clips.size());
  }
  std::vector<Choice> choose_boxes(Scene&, std::string_view,
                                   std::span<const BoxQuestion> questions) override {
    return std::vector<Choice>(questions.size());
  }
};

}  // namespace alref::reasoning
