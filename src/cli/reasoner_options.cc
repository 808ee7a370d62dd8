// SPDX-License-Identifier: Apache-2.0
#include "cli/reasoner_options.h"

#include "alref/error.h"

#include <cstdlib>
#include <fstream>
#include <map>

#include "cli/options.h"

namespace alref::cli {
namespace {

/// From a file that only its owner needs to read, or from the environment; never from the command
/// line, which others can see.
std::string read_key(const ReasonerArguments& arguments) {
  if (arguments.chat_key_file.empty()) {
    const char* key = std::getenv("ALREF_CHAT_KEY");
    return key ? key : "";
  }
  std::ifstream file(arguments.chat_key_file);
  std::string key;
  if (!std::getline(file, key)) {
    throw Error(ErrorKind::kInput, arguments.chat_key_file + ": expected a line with the key");
  }
  while (!key.empty() && (key.back() == '\r' || key.back() == ' ')) key.pop_back();
  return key;
}

std::string default_answer_cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::string(cache) + "/alref/answers.sqlite";
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/alref/answers.sqlite" : std::string();
}

void add_chat_options(CLI::App& command, ReasonerArguments& arguments) {
  ChatSettings& chat = arguments.chat;
  const std::string group = "Reasoner chat";
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("--chat-url", chat.url,
      "OpenAI-compatible endpoint [default: $ALREF_CHAT_URL]; its key: $ALREF_CHAT_KEY")
      ->type_name("URL");
  add("--chat-key-file", arguments.chat_key_file, "a file whose first line is the key")
      ->type_name("FILE");
  add("--chat-model", arguments.chat_model, "one model for both questions")->type_name("NAME");
  add("--chat-frame-model", chat.frame_model, "the model that chooses frames")
      ->type_name("NAME")
      ->capture_default_str();
  add("--chat-box-model", chat.box_model, "the model that chooses boxes")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_flag("--chat-json", chat.json_answers, "ask for JSON by schema")->group(group);
  add("--chat-timeout", chat.timeout_seconds, "seconds for one request")
      ->capture_default_str()
      ->check(in_range(0.1, 86400.0));
  add("--chat-tries", chat.tries, "tries of one question")
      ->capture_default_str()
      ->check(in_range(1, 100));
  add("--chat-parallel", chat.parallel, "requests at a time")
      ->capture_default_str()
      ->check(in_range(1, 64));
  add("--chat-image-side", chat.max_image_side, "longest side of a picture in pixels")
      ->capture_default_str()
      ->check(in_range(64, 16384));
  add("--chat-jpeg", chat.jpeg_quality, "JPEG quality of a picture")
      ->capture_default_str()
      ->check(in_range(1, 100));
  add("--chat-max-calls", chat.max_calls, "most requests of this run; 0: no limit")
      ->capture_default_str()
      ->check(at_least_zero());
  add("--chat-max-cost", chat.max_cost, "most money of this run; 0: no limit")
      ->capture_default_str()
      ->check(at_least_zero());
  add("--chat-prices", arguments.chat_prices, "of a million tokens asked and answered")
      ->type_name("P,P")
      ->check(at_least_zero())
      ->delimiter(',')
      ->expected(2);
  add("--answer-cache", arguments.answer_cache,
      "SQLite file of paid answers, or none [default: in the user's cache folder]")
      ->type_name("FILE");
}

}  // namespace

std::string name_of(ReasonerKind kind) {
  switch (kind) {
    case ReasonerKind::kRules:
      return "rules";
    case ReasonerKind::kChat:
      return "chat";
    case ReasonerKind::kReplay:
      return "replay";
    case ReasonerKind::kFirst:
      return "first";
  }
  return {};
}

void add_reasoner_options(CLI::App& command, ReasonerArguments& arguments) {
  static const std::map<std::string, ReasonerKind> kReasoners = {{"rules", ReasonerKind::kRules},
                                                                 {"chat", ReasonerKind::kChat},
                                                                 {"replay", ReasonerKind::kReplay},
                                                                 {"first", ReasonerKind::kFirst}};
  command
      .add_option("--reasoner", arguments.kind,
                  "rules (offline), chat, replay, first [default: rules]")
      ->type_name("KIND")
      ->transform(CLI::CheckedTransformer(kReasoners, CLI::ignore_case).description(""));
  command.add_option("--record", arguments.record_file, "append each question and answer to FILE")
      ->type_name("FILE");
  command
      .add_option("--replay", arguments.replay_files,
                  "answer from FILE, ask no one; may be given several times")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_chat_options(command, arguments);
}

void complete(ReasonerArguments& arguments) {
  if (!arguments.replay_files.empty()) arguments.kind = ReasonerKind::kReplay;
  if (arguments.kind == ReasonerKind::kChat) {
    arguments.chat.key = read_key(arguments);
    if (const char* url = std::getenv("ALREF_CHAT_URL"); url && arguments.chat.url.empty())
      arguments.chat.url = url;
    if (!arguments.chat_model.empty())
      arguments.chat.frame_model = arguments.chat.box_model = arguments.chat_model;
    if (arguments.chat_prices.size() == 2) {
      arguments.chat.prompt_price = arguments.chat_prices[0];
      arguments.chat.completion_price = arguments.chat_prices[1];
    }
    if (arguments.answer_cache.empty()) arguments.answer_cache = default_answer_cache();
    if (arguments.answer_cache == "none") arguments.answer_cache.clear();
  }
}

}  // namespace alref::cli
