// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reasoning/reasoner.h"
#include "reasoning/rules/judge.h"
#include "reasoning/rules/sentence.h"
#include "reasoning/rules/tracks.h"

namespace alref::reasoning {

struct RulesOptions {
  /// Every how many frames the detector looks, beside the clips' sampled frames; 0: about 24 times
  /// in short videos, every 5 frames in longer ones. Motion needs it denser than the paper's 10.
  int detect_every = 0;
  TrackOptions tracks = {};
  /// GPT-PS asks about boxes above it only: what scores lower on a frame has no pivot there.
  float box_threshold = 0.25f;
  /// A noun whose surest sighting in the whole video is less certain is not in the video.
  float presence = 0.3f;
  /// A thing that fits what the sentence says worse than this is not meant.
  double least_fit = 0.004;
};

/// GPT-PS without a language model: offline and deterministic. It reads the sentence by a grammar,
/// follows all things of the noun it names through the video, and takes the one that fits what the
/// sentence says about place, size, motion, order, colour and relation. It can say that the
/// sentence refers to nothing.
class RulesReasoner : public Reasoner {
 public:
  explicit RulesReasoner(const RulesOptions& options = {}) : options_(options) {}

  std::string_view name() const override { return "rules"; }
  bool needs_strips() const override { return false; }
  std::string caption(std::string_view expression) const override;
  int max_boxes() const override { return static_cast<int>(Scene::kMostBoxes); }

  std::vector<Choice> choose_frames(Scene& scene, std::string_view expression,
                                    std::span<const Clip> clips) override;
  std::vector<Choice> choose_boxes(Scene& scene, std::string_view expression,
                                   std::span<const BoxQuestion> questions) override;

 private:
  /// The thing that a sentence refers to, and why.
  struct Verdict {
    const Track* track = nullptr;
    std::vector<const Track*> rivals;
    std::string reasons;
  };

  const std::vector<Track>& tracks_of(Scene& scene, const std::string& caption);
  std::vector<int> sampled_frames(int frame_count) const;
  Verdict decide(Scene& scene, std::string_view expression);
  const Verdict& verdict_on(Scene& scene, std::string_view expression);

  RulesOptions options_;
  uint64_t scene_ = 0;  ///< whose tracks and verdicts these are
  std::map<std::string, std::vector<Track>, std::less<>> tracks_;
  std::map<std::string, Verdict, std::less<>> verdicts_;
};

}  // namespace alref::reasoning
