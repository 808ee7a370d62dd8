// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <chrono>

#include "api/av_engine.h"
#include "api/ref_engine.h"
#include "core/avs_classes.h"
#include "core/log.h"
#include "reasoning/chat/answer_cache.h"
#include "reasoning/chat/chat_responder.h"
#include "reasoning/chat/language_reasoner.h"
#include "reasoning/chat/recording.h"
#include "reasoning/first_reasoner.h"
#include "reasoning/rules/rules_reasoner.h"
#include "reasoning/sound/first_sound_reasoner.h"
#include "reasoning/sound/language_sound_reasoner.h"
#include "reasoning/sound/rules_sound_reasoner.h"

namespace alref {
namespace {

using namespace reasoning;

ChatOptions chat_options(const ChatSettings& s) {
  ChatOptions options;
  options.style.frame_model = s.frame_model;
  options.style.box_model = s.box_model;
  options.style.json_answers = s.json_answers;
  options.style.max_image_side = s.max_image_side;
  options.style.jpeg_quality = s.jpeg_quality;
  options.limits.timeout =
      std::chrono::milliseconds(static_cast<int64_t>(s.timeout_seconds * 1000));
  options.limits.max_answer_bytes = s.max_answer_bytes;
  options.tries = s.tries;
  options.parallel = s.parallel;
  options.max_calls = s.max_calls;
  options.max_cost = s.max_cost;
  options.prompt_price = s.prompt_price;
  options.completion_price = s.completion_price;
  return options;
}

}  // namespace

std::unique_ptr<Responder> make_responder(const AnswerOptions& options) {
  const bool asks = options.kind == ReasonerKind::kChat || options.kind == ReasonerKind::kReplay;
  if (!asks) {
    if (!options.record_file.empty()) {
      log(LogLevel::kWarning,
          options.record_file + ": this reasoner asks no questions, so nothing is recorded");
    }
    return nullptr;
  }
  std::unique_ptr<Responder> responder;
  if (options.kind == ReasonerKind::kReplay) {
    auto replay = std::make_unique<ReplayResponder>();
    if (options.replay_files.empty()) {
      throw Error(ErrorKind::kInvalidArgument, "replay: expected a file of recorded answers");
    }
    for (const std::string& file : options.replay_files) replay->add_file(file);
    responder = std::move(replay);
  } else {
    if (options.chat.url.empty())
      throw Error(ErrorKind::kInvalidArgument, "chat: expected a server's URL");
    responder = std::make_unique<ChatResponder>(Endpoint(options.chat.url, options.chat.key),
                                                chat_options(options.chat), options.cancelled);
    if (!options.answer_cache.empty()) {
      responder = std::make_unique<CachingResponder>(
          std::move(responder), std::make_shared<AnswerCache>(options.answer_cache));
    }
  }
  if (!options.record_file.empty()) {
    responder = std::make_unique<RecordingResponder>(std::move(responder), options.record_file);
  }
  return responder;
}

std::unique_ptr<Reasoner> make_reasoner(const RefOptions& options) {
  auto responder = make_responder({.kind = options.reasoner,
                                   .chat = options.chat,
                                   .replay_files = options.replay_files,
                                   .record_file = options.record_file,
                                   .answer_cache = options.answer_cache,
                                   .cancelled = options.cancelled});
  if (options.reasoner == ReasonerKind::kRules) {
    return std::make_unique<RulesReasoner>(
        RulesOptions{.detect_every = options.detect_every,
                     .tracks = {.start_certainty = options.box_threshold},
                     .box_threshold = options.box_threshold});
  }
  if (options.reasoner == ReasonerKind::kFirst) return std::make_unique<FirstReasoner>();
  return std::make_unique<LanguageReasoner>(
      options.reasoner == ReasonerKind::kChat ? "chat" : "replay", std::move(responder));
}

std::unique_ptr<SoundReasoner> make_sound_reasoner(const AvOptions& options) {
  auto responder = make_responder({.kind = options.reasoner,
                                   .chat = options.chat,
                                   .replay_files = options.replay_files,
                                   .record_file = options.record_file,
                                   .answer_cache = options.answer_cache,
                                   .cancelled = options.cancelled});
  if (options.reasoner == ReasonerKind::kRules)
    return std::make_unique<RulesSoundReasoner>(
        SoundRulesOptions{.single = options.single, .presence = options.box_threshold});
  if (options.reasoner == ReasonerKind::kFirst) return std::make_unique<FirstSoundReasoner>();
  SoundQuestionOptions questions{.classes = {kAvsClasses.begin(), kAvsClasses.end()},
                                 .single = options.single};
  return std::make_unique<LanguageSoundReasoner>(
      options.reasoner == ReasonerKind::kChat ? "chat" : "replay", std::move(responder),
      std::move(questions));
}

}  // namespace alref
