// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "reasoning/chat/responder.h"
#include "reasoning/reasoner.h"

namespace alref::reasoning {

/// GPT-PS as in the paper: strips are shown to a language model, and its replies are parsed. A
/// reply without a usable number is no choice; it is not asked for again.
class LanguageReasoner : public Reasoner {
 public:
  LanguageReasoner(std::string name, std::unique_ptr<Responder> responder)
      : name_(std::move(name)), responder_(std::move(responder)) {}

  std::string_view name() const override { return name_; }
  std::vector<Choice> choose_frames(Scene& scene, std::string_view expression,
                                    std::span<const Clip> clips) override;
  std::vector<Choice> choose_boxes(Scene& scene, std::string_view expression,
                                   std::span<const BoxQuestion> questions) override;

 private:
  std::vector<Choice> ask(std::span<const Question> questions);

  std::string name_;
  std::unique_ptr<Responder> responder_;
};

}  // namespace alref::reasoning
