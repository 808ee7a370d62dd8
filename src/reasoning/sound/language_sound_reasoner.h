// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "reasoning/chat/responder.h"
#include "reasoning/sound/sound_reasoner.h"

namespace alref::reasoning {

/// The paper's way: the frames and the tags are shown to a language model, and its replies are
/// parsed (al-ref-sam2, avs/*/gpt_cot_inference_stage_{1,2}.py). A reply without a usable box
/// number means box 1.
class LanguageSoundReasoner : public SoundReasoner {
 public:
  LanguageSoundReasoner(std::string name, std::unique_ptr<Responder> responder,
                        SoundQuestionOptions options)
      : name_(std::move(name)), responder_(std::move(responder)), options_(std::move(options)) {}

  std::string_view name() const override { return name_; }
  SoundingChoice name_objects(Scene& scene, const HeardClip& heard) override;
  std::vector<Choice> choose_boxes(Scene& scene, const HeardClip& heard,
                                   std::span<const SoundingBoxQuestion> questions) override;

 private:
  std::string name_;
  std::unique_ptr<Responder> responder_;
  SoundQuestionOptions options_;
};

}  // namespace alref::reasoning
