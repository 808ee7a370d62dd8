// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "reasoning/reasoner.h"

namespace alref::reasoning {

/// Which question of GPT-PS.
enum class Stage { kPivotFrame, kPivotBox, kSoundingObjects, kSoundingBox };

/// "pivot frame", "pivot box", "sounding objects", "sounding box".
std::string_view stage_name(Stage stage);

/// A question in words about one picture.
struct Question {
  Stage stage = Stage::kPivotFrame;
  std::string text;
  std::shared_ptr<const Image> image;
  std::string video;    ///< the video's name, by which imported replies are found
  std::string subject;  ///< the sentence; for a sounding box the object's name
  int clip = 0;
};

struct Answer {
  std::string text;
  std::string model;
  Usage usage;
};

/// What tells a question from every other: SHA-256 of its text and its picture's pixels.
std::string question_key(const Question& question);

/// Whoever answers questions in words: a server, a cache before it, a file of recorded answers.
class Responder {
 public:
  using OnAnswer = std::function<void(size_t index, Answer answer)>;

  virtual ~Responder() = default;

  /// Answers each question, in any order; `on_answer` is called once for each as soon as it is
  /// there, never from two threads at a time. Throws Error(kReasoner) where one cannot be answered,
  /// after those that could have been handed over.
  virtual void ask(std::span<const Question> questions, const OnAnswer& on_answer) = 0;
  /// Model and settings that an answer to this question depends on, in one line.
  virtual std::string settings(Stage stage) const = 0;
};

}  // namespace alref::reasoning
