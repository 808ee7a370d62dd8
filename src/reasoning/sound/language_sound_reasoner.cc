// SPDX-License-Identifier: Apache-2.0
#include "reasoning/sound/language_sound_reasoner.h"

#include "reasoning/questions.h"

namespace alref::reasoning {

SoundingChoice LanguageSoundReasoner::name_objects(Scene& scene, const HeardClip& heard) {
  const int frames = static_cast<int>(heard.clip.frames.size());
  std::vector<std::string> tags;
  for (const AudioTag& tag : heard.tags) tags.push_back(tag.name);
  const Question question{
      .stage = Stage::kSoundingObjects,
      .text = sounding_objects_question(frames, tags, options_.classes, options_.single),
      .image = scene.strip(heard.clip),
      .video = scene.name(),
      .subject = {},
      .clip = heard.clip.index};
  SoundingChoice choice;
  responder_->ask(std::span(&question, 1), [&](size_t, Answer answer) {
    choice.objects = parse_sounding_objects(answer.text, frames);
    choice.question = question.text;
    choice.reply = std::move(answer.text);
    choice.usage = answer.usage;
  });
  return choice;
}

std::vector<Choice> LanguageSoundReasoner::choose_boxes(
    Scene& scene, const HeardClip& heard, std::span<const SoundingBoxQuestion> asked) {
  const int frames = static_cast<int>(heard.clip.frames.size());
  std::vector<Question> questions;
  for (const SoundingBoxQuestion& q : asked) {
    MarkedBoxes marks{.frame = q.number, .boxes = {}};
    for (const Detection& d : q.boxes) marks.boxes.push_back(d.box);
    questions.push_back(
        {.stage = Stage::kSoundingBox,
         .text = sounding_box_question(q.object, frames, q.number, q.boxes, scene.frames().width(),
                                       scene.frames().height()),
         .image = scene.strip_with_boxes(heard.clip, marks),
         .video = scene.name(),
         .subject = q.object,
         .clip = heard.clip.index});
  }
  std::vector<Choice> choices(questions.size());
  responder_->ask(questions, [&](size_t i, Answer answer) {
    choices[i].number = parse_sounding_box(answer.text, static_cast<int>(asked[i].boxes.size()));
    choices[i].question = questions[i].text;
    choices[i].reply = std::move(answer.text);
    choices[i].usage = answer.usage;
  });
  return choices;
}

}  // namespace alref::reasoning
