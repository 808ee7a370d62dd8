// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "reasoning/chat/responder.h"

namespace alref::reasoning {

/// Appends each question and its answer to a file, one JSON object a line:
///   {"key": question_key, "stage", "video", "subject", "clip", "question", "answer", "model",
///   "prompt_tokens",
///    "completion_tokens"}
class RecordingResponder : public Responder {
 public:
  /// Throws Error(kOutput) where the file cannot be opened.
  RecordingResponder(std::unique_ptr<Responder> inner, const std::string& path);
  ~RecordingResponder() override;

  void ask(std::span<const Question> questions, const OnAnswer& on_answer) override;
  std::string settings(Stage stage) const override { return inner_->settings(stage); }

 private:
  std::unique_ptr<Responder> inner_;
  std::string path_;
  std::FILE* file_;
};

/// Answers from files and asks no one. Reads what RecordingResponder wrote, and the reply files of
/// the method's authors:
///   AVS, stage 1: {video: "{'name': frame, ...}"}; stage 2: {video: {name: "box"}}, or {video:
///   "box"} (S4) RVOS, stage 1: cot_one_stage.json, {number: {"exp", "res_list": [{"response",
///   "image_path"}]}} RVOS, stage 2: cot_two_stage.json, {"exp", "res_list":
///   [{"response_two_stage"}]}
/// Replies of RVOS are found by the clip's number in the picture's name, not by their place in the
/// list, which depends on the order of a directory listing.
class ReplayResponder : public Responder {
 public:
  /// Throws Error(kInput) where the file cannot be read or is none of these.
  void add_file(const std::string& path);
  /// The same from a file's content; `path` is for messages.
  void add_text(const std::string& path, const std::string& text);

  void ask(std::span<const Question> questions, const OnAnswer& on_answer) override;
  std::string settings(Stage) const override { return "replay"; }

  size_t size() const { return by_key_.size() + by_subject_.size(); }

 private:
  const Answer* find(const Question& question) const;

  std::string files_;  ///< for messages
  std::map<std::string, Answer> by_key_;
  std::map<std::string, Answer> by_subject_;  ///< imported: by subject_key
};

/// Key of an imported reply: stage, video (empty: any), subject (empty: any), clip.
std::string subject_key(Stage stage, std::string_view video, std::string_view subject, int clip);

/// The replies in one of the authors' files, by subject_key. Throws Error(kInput).
std::map<std::string, Answer> read_reference_replies(const std::string& path,
                                                     const std::string& text);

}  // namespace alref::reasoning
