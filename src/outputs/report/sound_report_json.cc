// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <nlohmann/json.hpp>

#include "core/avs_classes.h"
#include "outputs/report/sound_report.h"

namespace alref::outputs {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

Json box_json(const Detection& d) {
  return {{"box", {rounded(d.box.x0), rounded(d.box.y0), rounded(d.box.x1), rounded(d.box.y1)}},
          {"score", rounded(d.score)},
          {"phrase", d.phrase}};
}

Json label_json(const AvLabel& label) {
  Json json = {{"name", label.name}};
  if (label.class_index > 0) {
    json["class"] = kAvsClasses[static_cast<size_t>(label.class_index - 1)];
    json["class_index"] = label.class_index;
  }
  return json;
}

Json object_json(const AvObject& object, const AvResult& result) {
  Json boxes = Json::array();
  for (const Detection& d : object.boxes) boxes.push_back(box_json(d));
  Json json = {{"label", result.labels[object.label].name},
               {"pivot_frame", object.pivot_frame},
               {"boxes", std::move(boxes)},
               {"pivot_box", object.pivot_box ? Json(*object.pivot_box) : Json()},
               {"mask_area", object.mask_area},
               {"further_frames", object.further_frames}};
  if (!object.question.empty()) json["box_question"] = object.question;
  if (!object.reply.empty()) json["box_reply"] = object.reply;
  return json;
}

Json window_json(const AvWindow& window, const AvResult& result) {
  Json tags = Json::array(), objects = Json::array(), segments = Json::array();
  for (const AudioTag& tag : window.tags) {
    tags.push_back({{"id", tag.id}, {"name", tag.name}, {"probability", rounded(tag.probability)}});
  }
  for (const AvObject& object : window.objects) objects.push_back(object_json(object, result));
  for (const auto& [begin, end] : window.segments) segments.push_back({begin, end});
  Json json = {{"window", window.index},    {"first_moment", window.first_moment},
               {"moments", window.moments}, {"frames", window.frames},
               {"silent", window.silent},   {"tags", std::move(tags)}};
  if (!window.question.empty()) json["question"] = window.question;
  json["reply"] = window.reply;
  json["objects"] = std::move(objects);
  json["segments"] = std::move(segments);
  return json;
}

}  // namespace

std::string sound_report_json(const ReportedSound& run) {
  const AvResult& result = run.result;
  Json labels = Json::array(), timeline = Json::array(), windows = Json::array(),
       peaks = Json::array(), models = Json::object();
  for (const AvLabel& label : result.labels) labels.push_back(label_json(label));
  for (const auto& active : result.active) {
    Json names = Json::array();
    for (const size_t label : active) names.push_back(result.labels[label].name);
    timeline.push_back(std::move(names));
  }
  for (const AvWindow& window : result.windows) windows.push_back(window_json(window, result));
  for (const float peak : result.peaks) peaks.push_back(rounded(peak));
  for (const auto& [role, file] : run.models) models[role] = file;
  const AvCosts& c = run.costs;
  Json json = {{"video",
                {{"name", run.video},
                 {"width", run.width},
                 {"height", run.height},
                 {"frame_rate", rounded(run.frame_rate)},
                 {"frames", result.moment_of.size()}}}};
  if (!run.reference.empty()) json["sound"] = run.reference;
  json["labels"] = std::move(labels);
  json["moments_per_second"] = result.moments_per_second;
  json["labels_by_moment"] = std::move(timeline);
  json["windows"] = std::move(windows);
  json["mask_areas"] = result.mask_areas;
  json["waveform_peaks"] = std::move(peaks);
  json["run"] = {{"alref", run.version},
                 {"reasoner", run.reasoner},
                 {"models", std::move(models)},
                 {"seconds",
                  {{"sound", rounded(c.sound_seconds)},
                   {"reasoning", rounded(c.reasoning_seconds)},
                   {"detector", rounded(c.detector_seconds)},
                   {"prompt_masks", rounded(c.prompting_seconds)},
                   {"forward", rounded(c.forward_seconds)},
                   {"reverse", rounded(c.reverse_seconds)},
                   {"sentences", rounded(run.sentence_seconds)},
                   {"outputs", rounded(run.output_seconds)},
                   {"total", rounded(run.total_seconds)}}},
                 {"detector_runs", c.detector_runs},
                 {"encoder_runs", c.encoder_runs},
                 {"chat",
                  {{"requests", c.requests},
                   {"cached_answers", c.cached_answers},
                   {"prompt_tokens", c.prompt_tokens},
                   {"completion_tokens", c.completion_tokens},
                   {"cost", rounded(c.money)}}}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace alref::outputs
