// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/language_reasoner.h"

#include "reasoning/questions.h"
#include "reasoning/reply_parser.h"

namespace alref::reasoning {

std::vector<Choice> LanguageReasoner::ask(std::span<const Question> questions) {
  std::vector<Choice> choices(questions.size());
  responder_->ask(questions, [&](size_t i, Answer answer) {
    choices[i].question = questions[i].text;
    choices[i].reply = std::move(answer.text);
    choices[i].usage = answer.usage;
  });
  return choices;
}

std::vector<Choice> LanguageReasoner::choose_frames(Scene& scene, std::string_view expression,
                                                    std::span<const Clip> clips) {
  std::vector<Question> questions;
  for (const Clip& clip : clips) {
    questions.push_back(
        {.stage = Stage::kPivotFrame,
         .text = pivot_frame_question(expression, static_cast<int>(clip.frames.size())),
         .image = scene.strip(clip),
         .video = scene.name(),
         .subject = std::string(expression),
         .clip = clip.index});
  }
  std::vector<Choice> choices = ask(questions);
  for (size_t i = 0; i < choices.size(); ++i) {
    choices[i].number =
        parse_pivot_frame(choices[i].reply, static_cast<int>(clips[i].frames.size()));
  }
  return choices;
}

std::vector<Choice> LanguageReasoner::choose_boxes(Scene& scene, std::string_view expression,
                                                   std::span<const BoxQuestion> asked) {
  std::vector<Question> questions;
  for (const BoxQuestion& box_question : asked) {
    MarkedBoxes marks{.frame = box_question.number, .boxes = {}};
    for (const Detection& d : box_question.boxes) marks.boxes.push_back(d.box);
    const Clip& clip = box_question.clip;
    questions.push_back(
        {.stage = Stage::kPivotBox,
         .text = pivot_box_question(expression, static_cast<int>(clip.frames.size()),
                                    box_question.number, box_question.boxes),
         .image = scene.strip_with_boxes(clip, marks),
         .video = scene.name(),
         .subject = std::string(expression),
         .clip = clip.index});
  }
  std::vector<Choice> choices = ask(questions);
  for (size_t i = 0; i < choices.size(); ++i) {
    choices[i].number = parse_pivot_box(choices[i].reply, static_cast<int>(asked[i].boxes.size()));
  }
  return choices;
}

}  // namespace alref::reasoning
