// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "reasoning/chat/responder.h"

namespace alref::reasoning {

/// How questions are put to a model.
struct ChatStyle {
  std::string frame_model;  ///< for pivot frames and sounding objects
  std::string box_model;    ///< for boxes
  int max_image_side = 2048;
  int jpeg_quality = 90;
  bool json_answers = false;  ///< ask for a JSON object by schema, where the server can
  std::optional<double> temperature;
  std::optional<int> max_tokens;

  const std::string& model(Stage stage) const;
};

/// The body of a request to /v1/chat/completions: one user message, the text and the picture as a
/// base64 JPEG.
std::string chat_request(const Question& question, const ChatStyle& style);

/// The first choice's text, with model and tokens; none where the body is no such JSON or the text
/// is empty.
std::optional<Answer> read_chat_response(const std::string& body);

/// What a server says of an error: its message, or the body, on one line; its beginning, of at most
/// 200 bytes and whole characters, where it is longer.
std::string chat_error_text(const std::string& body);

}  // namespace alref::reasoning
