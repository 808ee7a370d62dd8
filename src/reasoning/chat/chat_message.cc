// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/chat_message.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/base64.h"
#include "media/image_io.h"
#include "reasoning/frame_strip.h"

namespace alref::reasoning {
namespace {

constexpr size_t kLongestErrorText = 200;

using Json = nlohmann::ordered_json;

bool is_about_boxes(Stage stage) {
  return stage == Stage::kPivotBox || stage == Stage::kSoundingBox;
}

constexpr std::string_view kJsonInstruction =
    "\n\nGive the whole answer as one JSON object: \"reasons\" holds all that you would have "
    "written, \"choice\" the "
    "number.";

Json choice_schema() {
  return {
      {"type", "json_schema"},
      {"json_schema",
       {{"name", "choice"},
        {"strict", true},
        {"schema",
         {{"type", "object"},
          {"properties", {{"reasons", {{"type", "string"}}}, {"choice", {{"type", "integer"}}}}},
          {"required", {"reasons", "choice"}},
          {"additionalProperties", false}}}}}};
}

}  // namespace

const std::string& ChatStyle::model(Stage stage) const {
  return is_about_boxes(stage) ? box_model : frame_model;
}

std::string chat_request(const Question& question, const ChatStyle& style) {
  // AVS asks for a list of names, which a choice's schema does not hold.
  const bool json = style.json_answers &&
                    (question.stage == Stage::kPivotFrame || question.stage == Stage::kPivotBox);
  const std::vector<uint8_t> jpeg =
      media::encode_jpeg(shrink_to(*question.image, style.max_image_side), style.jpeg_quality);
  Json picture = {{"url", "data:image/jpeg;base64," + base64(jpeg)}};
  if (is_about_boxes(question.stage)) picture["detail"] = "high";
  Json request = {
      {"model", style.model(question.stage)},
      {"messages",
       {{{"role", "user"},
         {"content",
          {{{"type", "text"},
            {"text", question.text + std::string(json ? kJsonInstruction : std::string_view())}},
           {{"type", "image_url"}, {"image_url", std::move(picture)}}}}}}}};
  if (json) request["response_format"] = choice_schema();
  if (style.temperature) request["temperature"] = *style.temperature;
  if (style.max_tokens) request["max_tokens"] = *style.max_tokens;
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Answer> read_chat_response(const std::string& body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto text_at = Json::json_pointer("/choices/0/message/content");
  if (!json.is_object() || !json.contains(text_at) || !json[text_at].is_string())
    return std::nullopt;
  Answer answer{.text = json[text_at], .model = {}, .usage = {}};
  if (answer.text.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
  if (json.contains("model") && json["model"].is_string()) answer.model = json["model"];
  const auto tokens = [&](const char* name) -> int64_t {
    const auto at = Json::json_pointer(std::string("/usage/") + name);
    return json.contains(at) && json[at].is_number_unsigned() ? json[at].get<int64_t>() : 0;
  };
  answer.usage.prompt_tokens = tokens("prompt_tokens");
  answer.usage.completion_tokens = tokens("completion_tokens");
  return answer;
}

std::string chat_error_text(const std::string& body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto message = Json::json_pointer("/error/message");
  std::string text = json.is_object() && json.contains(message) && json[message].is_string()
                         ? json[message].get<std::string>()
                         : body;
  if (text.size() > kLongestErrorText) {
    size_t end = kLongestErrorText;
    const auto continues = [&](size_t i) {
      return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
    };
    constexpr size_t kMostContinued = 3;  // in UTF-8; what goes on for longer is none
    while (end > kLongestErrorText - kMostContinued && continues(end)) --end;
    text.resize(end);
  }
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

}  // namespace alref::reasoning
