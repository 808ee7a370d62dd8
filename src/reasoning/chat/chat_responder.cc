// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/chat_responder.h"

#include "alref/error.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include "core/log.h"

namespace alref::reasoning {
namespace {

bool is_worth_another_try(long status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

ChatResponder::ChatResponder(Endpoint endpoint, const ChatOptions& options,
                             std::function<bool()> cancelled)
    : endpoint_(std::move(endpoint)), options_(options), cancelled_(std::move(cancelled)) {
  const ChatStyle& style = options.style;
  if (options.tries < 1 || options.parallel < 1 || style.jpeg_quality < 1 ||
      style.jpeg_quality > 100 || style.max_image_side < 64) {
    throw Error(ErrorKind::kInvalidArgument,
                "chat: expected at least 1 try, 1 request at a time, JPEG quality 1-100 and "
                "pictures of 64 pixels");
  }
  if (style.frame_model.empty() || style.box_model.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "chat: expected a model's name for each question");
  }
}

std::string ChatResponder::settings(Stage stage) const {
  const ChatStyle& style = options_.style;
  std::string text = "model " + style.model(stage) + ", picture " +
                     std::to_string(style.max_image_side) + " pixels, JPEG " +
                     std::to_string(style.jpeg_quality);
  if (style.json_answers) text += ", JSON";
  if (style.temperature) text += ", temperature " + std::to_string(*style.temperature);
  if (style.max_tokens) text += ", at most " + std::to_string(*style.max_tokens) + " tokens";
  return text;
}

void ChatResponder::ask(std::span<const Question> questions, const OnAnswer& on_answer) {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;  // guards on_answer and error
  std::exception_ptr error;
  const auto work = [&] {
    try {
      HttpClient client;
      for (size_t i = next++; i < questions.size() && !failed; i = next++) {
        Answer answer = ask_one(client, questions[i]);
        const std::lock_guard lock(mutex);
        on_answer(i, std::move(answer));
      }
    } catch (...) {
      failed = true;
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  std::vector<std::jthread> threads;
  const size_t count = std::min(questions.size(), static_cast<size_t>(options_.parallel));
  for (size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  if (error) std::rethrow_exception(error);
}

Answer ChatResponder::ask_one(HttpClient& client, const Question& question) {
  const std::string request = chat_request(question, options_.style);
  std::string problem;
  for (int attempt = 1; attempt <= options_.tries; ++attempt) {
    reserve_call();
    const HttpReply reply = client.post_json(endpoint_, request, options_.limits, cancelled_);
    bool again = true;
    if (reply.failure == HttpFailure::kCancelled)
      throw Error(ErrorKind::kInterrupted, "interrupted");
    if (reply.failure != HttpFailure::kNone) {
      problem = reply.problem;
      again = reply.failure == HttpFailure::kTransport;
    } else if (reply.status == 200) {
      if (auto answer = read_chat_response(reply.body)) {
        answer->text = endpoint_.without_key(std::move(answer->text));
        answer->usage.requests = attempt;
        answer->usage.cost =
            (static_cast<double>(answer->usage.prompt_tokens) * options_.prompt_price +
             static_cast<double>(answer->usage.completion_tokens) * options_.completion_price) /
            1e6;
        const std::lock_guard lock(spent_mutex_);
        cost_ += answer->usage.cost;
        return *std::move(answer);
      }
      problem = "not an answer: '" + chat_error_text(reply.body) + "'";
    } else {
      problem =
          "status " + std::to_string(reply.status) + ": '" + chat_error_text(reply.body) + "'";
      again = is_worth_another_try(reply.status);
      if (reply.status >= 300 && reply.status < 400) problem = "redirects, which are not followed";
    }
    problem = endpoint_.without_key(std::move(problem));
    if (!again || attempt == options_.tries) {
      problem += " (try " + std::to_string(attempt) + " of " + std::to_string(options_.tries) + ")";
      break;
    }
    const auto backoff = options_.first_pause * (1 << std::min(attempt - 1, 16));
    const auto wait = std::min<std::chrono::milliseconds>(
        reply.retry_after.value_or(std::chrono::seconds(0)), options_.longest_pause);
    log(LogLevel::kWarning, endpoint_.url() + ": " + problem + "; asking again");
    pause(std::max(wait, std::min<std::chrono::milliseconds>(backoff, options_.longest_pause)));
  }
  throw Error(ErrorKind::kReasoner, endpoint_.url() + ": " + problem);
}

void ChatResponder::reserve_call() {
  const std::lock_guard lock(spent_mutex_);
  if (options_.max_calls > 0 && calls_ >= options_.max_calls) {
    throw Error(ErrorKind::kReasoner, endpoint_.url() + ": the limit of " +
                                          std::to_string(options_.max_calls) + " calls is reached");
  }
  if (options_.max_cost > 0 && cost_ >= options_.max_cost) {
    throw Error(ErrorKind::kReasoner, endpoint_.url() + ": the cost limit of " +
                                          std::to_string(options_.max_cost) + " is reached");
  }
  ++calls_;
}

void ChatResponder::pause(std::chrono::milliseconds duration) const {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
    if (cancelled_ && cancelled_()) throw Error(ErrorKind::kInterrupted, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace alref::reasoning
