// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "reasoning/chat/chat_message.h"
#include "reasoning/chat/http_client.h"
#include "reasoning/chat/responder.h"

namespace alref::reasoning {

struct ChatOptions {
  ChatStyle style = {};
  HttpLimits limits = {};
  int tries = 3;                                    ///< of one question, the first included
  int parallel = 4;                                 ///< requests in flight
  std::chrono::milliseconds first_pause{1'000};     ///< before the second try; doubles each time
  std::chrono::milliseconds longest_pause{60'000};  ///< also of what Retry-After asks for
  /// Prices of a million tokens, in whatever currency; 0: not known.
  double prompt_price = 0;
  double completion_price = 0;
  /// The most requests, and the most money, that one run may spend; 0: no limit.
  int max_calls = 0;
  double max_cost = 0;
};

/// Asks a server that speaks OpenAI's /v1/chat/completions with pictures (OpenAI, vLLM,
/// llama-server, Ollama).
///   tried again, after a pause: no connection, timeouts, status 408, 425, 429 and 5xx, a body that
///   is no answer failed at once: other statuses, redirects among them, and an answer beyond the
///   size limit
/// A failure is an Error(kReasoner) that says what the last try met. An answer of any wording is an
/// answer.
class ChatResponder : public Responder {
 public:
  /// `cancelled` is asked while waiting; true ends it with Error(kInterrupted).
  ChatResponder(Endpoint endpoint, const ChatOptions& options,
                std::function<bool()> cancelled = {});

  void ask(std::span<const Question> questions, const OnAnswer& on_answer) override;
  std::string settings(Stage stage) const override;

 private:
  Answer ask_one(HttpClient& client, const Question& question);
  void reserve_call();
  void pause(std::chrono::milliseconds duration) const;

  Endpoint endpoint_;
  ChatOptions options_;
  std::function<bool()> cancelled_;
  std::mutex spent_mutex_;
  int calls_ = 0;
  double cost_ = 0;
};

}  // namespace alref::reasoning
