// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/responder.h"

#include "core/sha256.h"

namespace alref::reasoning {

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::kPivotFrame:
      return "pivot frame";
    case Stage::kPivotBox:
      return "pivot box";
    case Stage::kSoundingObjects:
      return "sounding objects";
    case Stage::kSoundingBox:
      return "sounding box";
  }
  return "";
}

std::string question_key(const Question& question) {
  Sha256 sha;
  sha.update(stage_name(question.stage));
  sha.update("\n" + std::to_string(question.text.size()) + "\n" + question.text);
  if (question.image) {
    sha.update("\n" + std::to_string(question.image->width) + " x " +
               std::to_string(question.image->height) + "\n");
    sha.update(question.image->pixels);
  }
  return sha.hex_digest();
}

}  // namespace alref::reasoning
