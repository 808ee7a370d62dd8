// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <nlohmann/json.hpp>

#include "outputs/report/report.h"

namespace alref::outputs {
namespace {

using Json = nlohmann::ordered_json;

/// Four digits behind the point are more than anyone reads, and keep the file small.
double rounded(double value) { return std::round(value * 1e4) / 1e4; }

Json box_json(const Detection& d) {
  return {{"box", {rounded(d.box.x0), rounded(d.box.y0), rounded(d.box.x1), rounded(d.box.y1)}},
          {"score", rounded(d.score)},
          {"phrase", d.phrase}};
}

Json number_or_null(const std::optional<int>& number) { return number ? Json(*number) : Json(); }

Json clip_json(const RefClip& clip) {
  Json boxes = Json::array();
  for (const Detection& d : clip.boxes) boxes.push_back(box_json(d));
  Json json = {{"clip", clip.index}, {"frames", clip.frames}};
  if (!clip.frame_question.empty()) json["frame_question"] = clip.frame_question;
  json["frame_reply"] = clip.frame_reply;
  json["pivot_frame"] = number_or_null(clip.pivot_frame);
  json["boxes"] = std::move(boxes);
  if (!clip.box_question.empty()) json["box_question"] = clip.box_question;
  json["box_reply"] = clip.box_reply;
  json["pivot_box"] = number_or_null(clip.pivot_box);
  return json;
}

Json result_json(const RefResult& result) {
  Json pivots = Json::array();
  for (const RefPivot& pivot : result.pivots) {
    Json entry = {{"frame", pivot.frame}};
    entry.update(box_json(pivot.detection));
    entry["mask_area"] = pivot.mask_area;
    pivots.push_back(std::move(entry));
  }
  Json clips = Json::array();
  for (const RefClip& clip : result.clips) clips.push_back(clip_json(clip));
  Json scores = Json::array();
  for (const float score : result.object_scores) scores.push_back(rounded(score));
  return {{"text", result.text},
          {"refers_to_nothing", result.pivots.empty()},
          {"fallback", result.fallback},
          {"caption", result.caption},
          {"pivots", std::move(pivots)},
          {"start", result.start < 0 ? Json() : Json(result.start)},
          {"clips", std::move(clips)},
          {"mask_areas", result.mask_areas},
          {"object_scores", std::move(scores)}};
}

}  // namespace

std::string report_json(const ReportedRun& run) {
  Json sentences = Json::array();
  for (const RefResult& result : run.results) sentences.push_back(result_json(result));
  Json models = Json::object();
  for (const auto& [role, file] : run.models) models[role] = file;
  const RefCosts& c = run.costs;
  const Json json = {{"video",
                      {{"name", run.video},
                       {"width", run.width},
                       {"height", run.height},
                       {"frame_rate", rounded(run.frame_rate)},
                       {"frames", run.frames}}},
                     {"sentences", std::move(sentences)},
                     {"run",
                      {{"alref", run.version},
                       {"reasoner", run.reasoner},
                       {"models", std::move(models)},
                       {"seconds",
                        {{"reasoning", rounded(c.reasoning_seconds)},
                         {"detector", rounded(c.detector_seconds)},
                         {"prompt_masks", rounded(c.prompting_seconds)},
                         {"forward", rounded(c.forward_seconds)},
                         {"reverse", rounded(c.reverse_seconds)},
                         {"outputs", rounded(run.output_seconds)},
                         {"total", rounded(run.total_seconds)},
                         {"networks", rounded(c.network_seconds)}}},
                       {"detector_runs", c.detector_runs},
                       {"encoder_runs", c.encoder_runs},
                       {"chat",
                        {{"requests", c.requests},
                         {"cached_answers", c.cached_answers},
                         {"prompt_tokens", c.prompt_tokens},
                         {"completion_tokens", c.completion_tokens},
                         {"cost", rounded(c.money)}}}}}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace alref::outputs
