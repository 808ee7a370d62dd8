// SPDX-License-Identifier: Apache-2.0
#include "reasoning/chat/recording.h"

#include "alref/error.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/log.h"

namespace alref::reasoning {
namespace {

using Json = nlohmann::ordered_json;

/// A line of a recording; none where it is no such line.
std::optional<std::pair<std::string, Answer>> read_line(const std::string& line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("key") || !json.contains("answer") ||
      !json["key"].is_string() || !json["answer"].is_string()) {
    return std::nullopt;
  }
  Answer answer{.text = json["answer"], .model = {}, .usage = {}};
  if (json.contains("model") && json["model"].is_string()) answer.model = json["model"];
  return std::pair(json["key"].get<std::string>(), std::move(answer));
}

}  // namespace

RecordingResponder::RecordingResponder(std::unique_ptr<Responder> inner, const std::string& path)
    : inner_(std::move(inner)), path_(path), file_(std::fopen(path.c_str(), "a")) {
  if (!file_) throw Error(ErrorKind::kOutput, path + ": cannot append: " + std::strerror(errno));
}

RecordingResponder::~RecordingResponder() { std::fclose(file_); }

void RecordingResponder::ask(std::span<const Question> questions, const OnAnswer& on_answer) {
  inner_->ask(questions, [&](size_t i, Answer answer) {
    const Question& q = questions[i];
    const Json json = {{"key", question_key(q)},
                       {"stage", stage_name(q.stage)},
                       {"video", q.video},
                       {"subject", q.subject},
                       {"clip", q.clip},
                       {"question", q.text},
                       {"answer", answer.text},
                       {"model", answer.model},
                       {"prompt_tokens", answer.usage.prompt_tokens},
                       {"completion_tokens", answer.usage.completion_tokens}};
    const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0) {
      throw Error(ErrorKind::kOutput, path_ + ": cannot append: " + std::strerror(errno));
    }
    on_answer(i, std::move(answer));
  });
}

void ReplayResponder::add_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file)
    throw Error(ErrorKind::kInput,
                path + ": cannot read recorded answers: " + std::strerror(errno));
  add_text(path, content.str());
}

void ReplayResponder::add_text(const std::string& path, const std::string& text) {
  files_ += (files_.empty() ? "" : ", ") + path;

  std::istringstream lines(text);
  int number = 0;
  size_t found = 0;
  for (std::string line; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (auto entry = read_line(line)) {
      by_key_.insert_or_assign(std::move(entry->first), std::move(entry->second));
      ++found;
    } else if (found == 0 && number == 0) {
      break;
    } else if (lines.peek() == std::istringstream::traits_type::eof()) {
      log(LogLevel::kWarning, path + ": the last line is cut off and left out");
    } else {
      throw Error(ErrorKind::kInput, path + ": line " + std::to_string(number + 1) +
                                         ": expected an object with 'key' and 'answer'");
    }
  }
  if (found == 0) by_subject_.merge(read_reference_replies(path, text));
}

const Answer* ReplayResponder::find(const Question& q) const {
  if (const auto exact = by_key_.find(question_key(q)); exact != by_key_.end())
    return &exact->second;
  for (const std::string& key :
       {subject_key(q.stage, q.video, q.subject, q.clip), subject_key(q.stage, q.video, "", q.clip),
        subject_key(q.stage, "", q.subject, q.clip)}) {
    if (const auto imported = by_subject_.find(key); imported != by_subject_.end())
      return &imported->second;
  }
  return nullptr;
}

void ReplayResponder::ask(std::span<const Question> questions, const OnAnswer& on_answer) {
  for (size_t i = 0; i < questions.size(); ++i) {
    const Question& q = questions[i];
    const Answer* answer = find(q);
    if (!answer) {
      throw Error(ErrorKind::kReasoner, files_ + ": no answer recorded for the " +
                                            std::string(stage_name(q.stage)) + " of '" + q.subject +
                                            "' in clip " + std::to_string(q.clip) + " of " +
                                            q.video);
    }
    on_answer(i, *answer);
  }
}

}  // namespace alref::reasoning
