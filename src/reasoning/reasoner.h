// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reasoning/clips.h"
#include "reasoning/scene.h"

namespace alref::reasoning {

/// What answers cost. Sums over the questions of a run go into its report.
struct Usage {
  int requests = 0;  ///< sent to a server, repeated ones among them
  int cached = 0;    ///< answers that were known already
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  double cost = 0;  ///< in the currency of the prices that the user gave

  Usage& operator+=(const Usage& other) {
    requests += other.requests;
    cached += other.cached;
    prompt_tokens += other.prompt_tokens;
    completion_tokens += other.completion_tokens;
    cost += other.cost;
    return *this;
  }
};

/// A reasoner's choice of one frame of a clip, or of one box of a frame.
struct Choice {
  std::optional<int> number;  ///< from 1; none: nothing there is what the sentence refers to
  std::string question;       ///< as it was asked; empty where no question in words was asked
  std::string reply;          ///< the whole answer, or the reasons in words
  Usage usage;
};

/// The boxes among which a reasoner chooses, on the pivot frame of one clip.
struct BoxQuestion {
  Clip clip;
  int frame = 0;   ///< the pivot frame, 0-based in the video
  int number = 1;  ///< its 1-based place in the clip
  std::vector<Detection> boxes;
};

/// The two choices of GPT-PS (AL-Ref-SAM 2, section 3.2): one frame a clip, then one of the boxes
/// found there.
class Reasoner {
 public:
  virtual ~Reasoner() = default;

  virtual std::string_view name() const = 0;

  /// Whether it looks at strips, so that a clip of one frame has nothing to ask about and is
  /// skipped.
  virtual bool needs_strips() const { return true; }
  /// What the detector is asked for.
  virtual std::string caption(std::string_view expression) const { return std::string(expression); }
  /// The most boxes, best first, among which it can choose.
  virtual int max_boxes() const { return 3; }

  /// One choice a clip, in the order of `clips`. Throws Error(kReasoner) where it cannot be asked.
  virtual std::vector<Choice> choose_frames(Scene& scene, std::string_view expression,
                                            std::span<const Clip> clips) = 0;
  /// One choice a question, in their order; every question has at least one box.
  virtual std::vector<Choice> choose_boxes(Scene& scene, std::string_view expression,
                                           std::span<const BoxQuestion> questions) = 0;
};

}  // namespace alref::reasoning
