// SPDX-License-Identifier: Apache-2.0
#include "reasoning/pivot_selector.h"

#include "alref/error.h"

#include <algorithm>

namespace alref::reasoning {
namespace {

constexpr float kSameThing = 0.5f;  // IoU

void choose_true_frames(std::string_view expression, const TrueBox& truth,
                        std::vector<ClipRecord>& records) {
  for (ClipRecord& record : records) {
    float largest = 0;
    for (const int frame : record.clip.frames) {
      const auto box = truth(expression, frame);
      if (!box || box->area() <= largest) continue;
      largest = box->area();
      record.frame = frame;
    }
  }
}

void choose_true_boxes(std::string_view expression, const TrueBox& truth,
                       std::vector<ClipRecord>& records) {
  for (ClipRecord& record : records) {
    const auto box = record.frame ? truth(expression, *record.frame) : std::nullopt;
    float best = kSameThing;
    for (size_t i = 0; box && i < record.boxes.size(); ++i) {
      const float overlap = iou(record.boxes[i].box, *box);
      if (overlap < best) continue;
      best = overlap;
      record.box = static_cast<int>(i);
    }
  }
}

void choose_frames(Scene& scene, Reasoner& reasoner, std::string_view expression,
                   const PivotOptions& options, std::vector<ClipRecord>& records) {
  if (options.frame_oracle) return choose_true_frames(expression, options.frame_oracle, records);
  if (!options.choose_frame) {
    for (ClipRecord& record : records) record.frame = record.clip.frames.front();
    return;
  }
  std::vector<Clip> clips;
  clips.reserve(records.size());
  for (const ClipRecord& record : records) clips.push_back(record.clip);
  std::vector<Choice> choices = reasoner.choose_frames(scene, expression, clips);
  for (size_t i = 0; i < records.size(); ++i) {
    const auto number = choices[i].number;
    const auto& frames = records[i].clip.frames;
    if (number && *number >= 1 && *number <= static_cast<int>(frames.size())) {
      records[i].frame = frames[static_cast<size_t>(*number - 1)];
    }
    records[i].frame_choice = std::move(choices[i]);
  }
}

void find_boxes(Scene& scene, const Reasoner& reasoner, const std::string& caption,
                const PivotOptions& options, std::vector<ClipRecord>& records) {
  const float threshold =
      options.choose_box ? options.box_threshold : options.fallback_box_threshold;
  const size_t most = options.box_oracle   ? Scene::kMostBoxes
                      : options.choose_box ? static_cast<size_t>(reasoner.max_boxes())
                                           : 1;
  for (ClipRecord& record : records) {
    if (!record.frame) continue;
    record.boxes = scene.detect(*record.frame, caption, threshold);
    if (record.boxes.size() > most) record.boxes.resize(most);
  }
}

void choose_boxes(Scene& scene, Reasoner& reasoner, std::string_view expression,
                  const PivotOptions& options, std::vector<ClipRecord>& records) {
  if (options.box_oracle) return choose_true_boxes(expression, options.box_oracle, records);
  std::vector<BoxQuestion> questions;
  std::vector<ClipRecord*> asked;
  for (ClipRecord& record : records) {
    if (record.boxes.empty()) continue;
    if (!options.choose_box) {
      record.box = 0;
      continue;
    }
    const auto& frames = record.clip.frames;
    const auto place = std::find(frames.begin(), frames.end(), *record.frame) - frames.begin();
    questions.push_back({record.clip, *record.frame, static_cast<int>(place) + 1, record.boxes});
    asked.push_back(&record);
  }
  if (questions.empty()) return;
  std::vector<Choice> choices = reasoner.choose_boxes(scene, expression, questions);
  for (size_t i = 0; i < asked.size(); ++i) {
    const auto number = choices[i].number;
    if (number && *number >= 1 && *number <= static_cast<int>(asked[i]->boxes.size())) {
      asked[i]->box = *number - 1;
    }
    asked[i]->box_choice = std::move(choices[i]);
  }
}

}  // namespace

PivotSelection select_pivots(Scene& scene, Reasoner& reasoner, std::string_view expression,
                             const PivotOptions& options) {
  if (expression.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw Error(ErrorKind::kInvalidArgument, "sentence: expected words, got an empty text");
  }
  PivotSelection selection{
      .caption = reasoner.caption(expression), .clips = {}, .pivots = {}, .fallback = false};
  ClipOptions clip_options = options.clips;
  clip_options.keep_single = clip_options.keep_single || !reasoner.needs_strips();
  for (Clip& clip : make_clips(scene.frame_count(), clip_options)) {
    ClipRecord record;
    record.clip = std::move(clip);
    selection.clips.push_back(std::move(record));
  }

  choose_frames(scene, reasoner, expression, options, selection.clips);
  find_boxes(scene, reasoner, selection.caption, options, selection.clips);
  choose_boxes(scene, reasoner, expression, options, selection.clips);
  for (const ClipRecord& record : selection.clips) {
    if (record.box) {
      selection.pivots.push_back({*record.frame, record.boxes[static_cast<size_t>(*record.box)]});
    }
  }

  if (options.single_pivot && selection.pivots.size() > 1) {
    selection.pivots = {selection.pivots[selection.pivots.size() / 2]};
  }
  if (selection.pivots.empty() && options.on_no_pivot == OnNoPivot::kFallback) {
    const auto boxes = scene.detect(0, selection.caption, options.fallback_box_threshold);
    if (!boxes.empty()) {
      selection.pivots.push_back({0, boxes.front()});
      selection.fallback = true;
    }
  }
  return selection;
}

}  // namespace alref::reasoning
