// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/answer_cache.h"

#include "alref/error.h"

#include <filesystem>
#include <vector>

#include <sqlite3.h>

#include "core/sha256.h"

namespace alref::reasoning {
namespace {

constexpr int kBusyMilliseconds = 10'000;

/// One prepared statement; values are bound by position from 1.
class Statement {
 public:
  Statement(sqlite3* database, const std::string& path, const char* sql)
      : database_(database), path_(path) {
    check(sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr));
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, const std::string& text) {
    check(sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                            SQLITE_TRANSIENT));
  }
  void bind(int index, int64_t number) { check(sqlite3_bind_int64(statement_, index, number)); }
  /// Whether there is a row.
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status != SQLITE_ROW && status != SQLITE_DONE) check(status);
    return status == SQLITE_ROW;
  }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
                 : std::string();
  }

 private:
  void check(int status) const {
    if (status != SQLITE_OK) {
      throw Error(ErrorKind::kOutput, path_ + ": answer cache: " + sqlite3_errmsg(database_));
    }
  }

  sqlite3* database_;
  const std::string& path_;
  sqlite3_stmt* statement_ = nullptr;
};

std::string cache_key(const Question& question, const std::string& settings) {
  return sha256_hex(question_key(question) + "\n" + settings);
}

}  // namespace

AnswerCache::AnswerCache(const std::string& path) : path_(path) {
  std::error_code ignored;  // opening says what is wrong
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
    const std::string reason = database_ ? sqlite3_errmsg(database_) : "out of memory";
    sqlite3_close(database_);
    throw Error(ErrorKind::kOutput, path + ": answer cache: " + reason);
  }
  try {
    sqlite3_busy_timeout(database_, kBusyMilliseconds);
    Statement(database_, path_,
              "CREATE TABLE IF NOT EXISTS answers(key TEXT PRIMARY KEY, question TEXT NOT NULL, "
              "settings TEXT NOT NULL,"
              " answer TEXT NOT NULL, model TEXT NOT NULL, prompt_tokens INTEGER, "
              "completion_tokens INTEGER)")
        .step();
  } catch (...) {
    sqlite3_close(database_);
    throw;
  }
}

AnswerCache::~AnswerCache() { sqlite3_close(database_); }

std::optional<Answer> AnswerCache::find(const Question& question, const std::string& settings) {
  Statement select(database_, path_, "SELECT answer, model FROM answers WHERE key = ?");
  select.bind(1, cache_key(question, settings));
  if (!select.step()) return std::nullopt;
  Answer answer{.text = select.text(0), .model = select.text(1), .usage = {}};
  answer.usage.cached = 1;
  return answer;
}

void AnswerCache::store(const Question& question, const std::string& settings,
                        const Answer& answer) {
  Statement insert(database_, path_, "INSERT OR REPLACE INTO answers VALUES(?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, cache_key(question, settings));
  insert.bind(2, question.text);
  insert.bind(3, settings);
  insert.bind(4, answer.text);
  insert.bind(5, answer.model);
  insert.bind(6, answer.usage.prompt_tokens);
  insert.bind(7, answer.usage.completion_tokens);
  insert.step();
}

void CachingResponder::ask(std::span<const Question> questions, const OnAnswer& on_answer) {
  std::vector<Question> unknown;
  std::vector<size_t> places;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (auto answer = cache_->find(questions[i], settings(questions[i].stage))) {
      on_answer(i, std::move(*answer));
    } else {
      unknown.push_back(questions[i]);
      places.push_back(i);
    }
  }
  if (unknown.empty()) return;
  inner_->ask(unknown, [&](size_t i, Answer answer) {
    cache_->store(unknown[i], settings(unknown[i].stage), answer);
    on_answer(places[i], std::move(answer));
  });
}

}  // namespace alref::reasoning
