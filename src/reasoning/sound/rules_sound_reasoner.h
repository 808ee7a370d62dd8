// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "reasoning/sound/sound_reasoner.h"

namespace alref::reasoning {

struct SoundRulesOptions {
  bool single = false;       ///< the likeliest thing only
  float least_tag = 0.1f;    ///< what is nowhere likelier than this is not believed...
  float tag_share = 0.4f;    ///< ...nor what stays below this share of the likeliest thing
  float presence = 0.25f;    ///< a thing whose best box scores lower is not to be seen
  float clear = 0.5f;        ///< below it a narrower name is tried, too
  float keep_score = 0.15f;  ///< boxes below it are not looked at
  float same_iou = 0.7f;     ///< things whose best boxes overlap more are one thing
  /// A frame's best box is sure if it scores this share of the chosen one, is as large
  /// but for a factor of three, and has no rival elsewhere with this share of its own score.
  float further_share = 0.6f;
  /// A thing sounds in a piece of the sound, between two changes, somewhere in which its likeliest
  /// tag has at least this share of its highest probability...
  float on_share = 0.2f;
  /// ...and in pauses between two such pieces that last no longer: a dog barks again and again.
  double longest_pause = 2;
};

/// The choices without a language model: offline and deterministic. A tag counts if it stands for a
/// thing (sound_things.h) that the detector finds in the frames; of several boxes the one that
/// stands out and moves is taken; a thing sounds while its tags are likely. What is heard in one
/// moment only is unlikely in the whole, so that a thing is as likely as in its clearest moment.
class RulesSoundReasoner : public SoundReasoner {
 public:
  explicit RulesSoundReasoner(const SoundRulesOptions& options = {}) : options_(options) {}

  std::string_view name() const override { return "rules"; }
  bool wants_moments() const override { return true; }
  /// With an article: detectors tell bare nouns apart less well (rules/sentence.cc, caption_of).
  std::string caption(const std::string& object) const override { return "the " + object; }
  SoundingChoice name_objects(Scene& scene, const HeardClip& heard) override;
  std::vector<Choice> choose_boxes(Scene& scene, const HeardClip& heard,
                                   std::span<const SoundingBoxQuestion> questions) override;
  std::vector<FramedBox> further_boxes(Scene& scene, const HeardClip& heard,
                                       const std::string& object, const FramedBox& chosen) override;
  std::optional<ActiveObjects> active_objects(const HeardClip& heard,
                                              std::span<const SoundingObject> objects) override;

 private:
  /// A thing that may make the sound, with the frame that shows it best.
  struct Candidate {
    std::string name;
    float probability = 0;  ///< of its likeliest tag, in the whole or in a moment
    int number = 0;         ///< of the frame in the clip, from 1; 0: not seen
    Box box;
    float score = 0;
    double quality = 0;
  };

  /// The likeliest first.
  std::vector<Candidate> things_heard(const HeardClip& heard) const;
  /// The frame that shows `thing` best, by its own name or that of a narrower thing.
  void find(Scene& scene, const Clip& clip, Candidate& thing) const;
  void look_for(Scene& scene, const Clip& clip, Candidate& thing) const;

  SoundRulesOptions options_;
};

}  // namespace alref::reasoning
