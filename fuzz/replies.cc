// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdlib>

#include "reasoning/chat/chat_message.h"
#include "reasoning/chat/recording.h"
#include "reasoning/reply_parser.h"

namespace {

constexpr int kFrames = 10, kBoxes = 3;

void require(bool good) {
  if (!good) std::abort();
}

bool is_place(int number, int last) { return number >= 1 && number <= last; }

// What every reader of a reply promises, whatever the language model said.
void read_reply(const std::string& reply) {
  namespace reasoning = alref::reasoning;
  const auto frame = reasoning::parse_pivot_frame(reply, kFrames);
  require(!frame || is_place(*frame, kFrames));
  const auto box = reasoning::parse_pivot_box(reply, kBoxes);
  require(!box || is_place(*box, kBoxes));
  require(is_place(reasoning::parse_sounding_box(reply, kBoxes), kBoxes));
  for (const auto& object : reasoning::parse_sounding_objects(reply, kFrames))
    require(!object.name.empty() && is_place(object.frame, kFrames));
}

}  // namespace

// Input: what a language model says: its reply alone, in a server's response, or recorded in a
// file, the authors' or our own.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  read_reply(text);
  if (const auto answer = alref::reasoning::read_chat_response(text)) {
    require(!answer->text.empty());
    read_reply(answer->text);
  }
  require(alref::reasoning::chat_error_text(text).find('\n') == std::string::npos);
  try {
    for (const auto& [key, answer] : alref::reasoning::read_reference_replies("input", text))
      read_reply(answer.text);
  } catch (const alref::Error&) {
  }
  try {
    alref::reasoning::ReplayResponder().add_text("input", text);
  } catch (const alref::Error&) {
  }
  return 0;
}
