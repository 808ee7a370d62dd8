// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "reasoning/chat/responder.h"

struct sqlite3;

namespace alref::reasoning {

/// Answers that were paid for, in an SQLite file that several processes may share. Table `answers`:
/// key (SHA-256 of the question's key, model and settings), question, settings, answer, model,
/// prompt_tokens, completion_tokens.
class AnswerCache {
 public:
  /// Opens or creates the file, and the folder above it. Throws Error(kOutput).
  explicit AnswerCache(const std::string& path);
  ~AnswerCache();
  AnswerCache(const AnswerCache&) = delete;
  AnswerCache& operator=(const AnswerCache&) = delete;

  std::optional<Answer> find(const Question& question, const std::string& settings);
  /// On the disk when it returns, so that a killed run pays nothing twice.
  void store(const Question& question, const std::string& settings, const Answer& answer);

 private:
  std::string path_;
  sqlite3* database_ = nullptr;
};

/// Looks an answer up before it asks, and keeps what it is told.
class CachingResponder : public Responder {
 public:
  CachingResponder(std::unique_ptr<Responder> inner, std::shared_ptr<AnswerCache> cache)
      : inner_(std::move(inner)), cache_(std::move(cache)) {}

  void ask(std::span<const Question> questions, const OnAnswer& on_answer) override;
  std::string settings(Stage stage) const override { return inner_->settings(stage); }

 private:
  std::unique_ptr<Responder> inner_;
  std::shared_ptr<AnswerCache> cache_;
};

}  // namespace alref::reasoning
