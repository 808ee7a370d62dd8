// SPDX-License-Identifier: Apache-2.0
#include "api/sound_results.h"

#include "alref/error.h"

#include "api/detection_json.h"

namespace alref {
namespace {

using Json = nlohmann::json;

Json to_json(const AvObject& o) {
  return {{"label", o.label},
          {"frame", o.pivot_frame},
          {"boxes", boxes_to_json(o.boxes)},
          {"question", o.question},
          {"reply", o.reply},
          {"box", optional_to_json(o.pivot_box)},
          {"area", o.mask_area},
          {"further", o.further_frames}};
}

AvObject object_from(const Json& j) {
  return {.label = j.at("label"),
          .pivot_frame = j.at("frame"),
          .boxes = boxes_from_json(j.at("boxes")),
          .question = j.at("question"),
          .reply = j.at("reply"),
          .pivot_box = optional_from_json(j.at("box")),
          .mask_area = j.at("area"),
          .further_frames = j.at("further")};
}

Json to_json(const AvWindow& w) {
  Json tags = Json::array(), objects = Json::array();
  for (const AudioTag& tag : w.tags) tags.push_back({tag.id, tag.name, tag.probability});
  for (const AvObject& object : w.objects) objects.push_back(to_json(object));
  return {{"index", w.index},
          {"first_moment", w.first_moment},
          {"moments", w.moments},
          {"first_frame", w.first_frame},
          {"last_frame", w.last_frame},
          {"frames", w.frames},
          {"silent", w.silent},
          {"tags", tags},
          {"question", w.question},
          {"reply", w.reply},
          {"objects", objects},
          {"segments", w.segments},
          {"strip", Json::binary(w.strip_jpeg)}};
}

AvWindow window_from(const Json& j) {
  AvWindow w{.index = j.at("index"),
             .first_moment = j.at("first_moment"),
             .moments = j.at("moments"),
             .first_frame = j.at("first_frame"),
             .last_frame = j.at("last_frame"),
             .frames = j.at("frames"),
             .silent = j.at("silent"),
             .tags = {},
             .question = j.at("question"),
             .reply = j.at("reply"),
             .objects = {},
             .segments = j.at("segments"),
             .strip_jpeg = j.at("strip").get_binary()};
  for (const Json& tag : j.at("tags")) w.tags.push_back({tag.at(0), tag.at(1), tag.at(2)});
  for (const Json& object : j.at("objects")) w.objects.push_back(object_from(object));
  return w;
}

}  // namespace

std::string sound_result_to_text(const AvResult& result) {
  Json json = {{"moments_per_second", result.moments_per_second},
               {"active", result.active},
               {"moment_of", result.moment_of},
               {"peaks", result.peaks}};
  json["labels"] = Json::array();
  for (const AvLabel& label : result.labels)
    json["labels"].push_back({label.name, label.class_index});
  json["windows"] = Json::array();
  for (const AvWindow& window : result.windows) json["windows"].push_back(to_json(window));
  const std::vector<uint8_t> bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

AvResult sound_result_from_text(const std::string& text) {
  try {
    const Json json = Json::from_cbor(text);
    AvResult result;
    result.moments_per_second = json.at("moments_per_second");
    json.at("active").get_to(result.active);
    json.at("moment_of").get_to(result.moment_of);
    json.at("peaks").get_to(result.peaks);
    for (const Json& label : json.at("labels")) result.labels.push_back({label.at(0), label.at(1)});
    for (const Json& window : json.at("windows")) result.windows.push_back(window_from(window));
    return result;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("work file: ") + error.what());
  }
}

}  // namespace alref
