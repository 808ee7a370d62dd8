// SPDX-License-Identifier: Apache-2.0
// The reply files of the method's authors (github.com/appletea233/AL-Ref-SAM2, avs/gpt_results and
// what rvos writes).
#include "alref/error.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "reasoning/chat/recording.h"

namespace alref::reasoning {
namespace {

using Json = nlohmann::json;
using Replies = std::map<std::string, Answer>;

std::string string_or_empty(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The clip's number in ".../combined_5_step_10_id_3.jpg".
std::optional<int> clip_in_name(std::string_view path) {
  const size_t at = path.rfind("_id_");
  if (at == std::string_view::npos) return std::nullopt;
  int clip = 0;
  const auto [end, error] = std::from_chars(path.data() + at + 4, path.data() + path.size(), clip);
  return error == std::errc() ? std::optional(clip) : std::nullopt;
}

/// One sentence of RVOS, of either stage. Which of the two a list holds is told by its fields.
void add_sentence(const Json& json, Replies& replies) {
  const std::string sentence = string_or_empty(json, "exp");
  int place = 0;
  for (const Json& entry : json.at("res_list")) {
    const int clip = clip_in_name(string_or_empty(entry, "image_path")).value_or(place++);
    const auto add = [&](Stage stage, const char* field) {
      if (!entry.contains(field)) return;
      replies[subject_key(stage, "", sentence, clip)] = {
          .text = string_or_empty(entry, field), .model = {}, .usage = {}};
    };
    add(Stage::kPivotFrame, "response");
    add(Stage::kPivotBox, "response_two_stage");
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void add_video(const std::string& path, const std::string& video, const Json& value,
               Replies& replies) {
  const auto box = [](const std::string& number) {
    return Answer{.text = "[" + number + "]", .model = {}, .usage = {}};
  };
  if (value.is_string()) {
    const std::string text = value;
    if (is_number(text)) {
      replies[subject_key(Stage::kSoundingBox, video, "", 0)] = box(text);
    } else {
      replies[subject_key(Stage::kSoundingObjects, video, "", 0)] = {
          .text = text, .model = {}, .usage = {}};
    }
    return;
  }
  for (const auto& [name, number] : value.items()) {
    if (!number.is_string() && !number.is_number_integer()) {
      throw Error(ErrorKind::kInput,
                  path + ": '" + video + "', '" + name + "': expected a box's number");
    }
    replies[subject_key(Stage::kSoundingBox, video, name, 0)] =
        box(number.is_string() ? number.get<std::string>() : number.dump());
  }
}

}  // namespace

std::string subject_key(Stage stage, std::string_view video, std::string_view subject, int clip) {
  std::string key(stage_name(stage));
  for (const std::string_view part : {video, subject}) key += "\x1f" + std::string(part);
  return key + "\x1f" + std::to_string(clip);
}

Replies read_reference_replies(const std::string& path, const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is_sentence = [](const Json& j) {
    return j.is_object() && j.contains("res_list") && j["res_list"].is_array();
  };
  Replies replies;
  if (is_sentence(json)) {
    add_sentence(json, replies);
    return replies;
  }
  if (!json.is_object() || json.empty()) {
    throw Error(ErrorKind::kInput,
                path + ": expected recorded answers, one JSON object a line, or a reply file of " +
                    "the method's authors");
  }
  for (const auto& [name, value] : json.items()) {
    if (is_sentence(value)) {
      add_sentence(value, replies);
    } else if (value.is_string() || value.is_object()) {
      add_video(path, name, value, replies);
    } else {
      throw Error(ErrorKind::kInput, path + ": '" + name + "': expected a string or an object");
    }
  }
  return replies;
}

}  // namespace alref::reasoning
