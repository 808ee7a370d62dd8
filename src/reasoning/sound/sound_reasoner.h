// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/audio.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reasoning/reasoner.h"
#include "reasoning/reply_parser.h"

namespace alref::reasoning {

/// How likely each class sounds in each moment of a stretch.
struct MomentTags {
  std::vector<std::string> names;                 ///< of the classes
  std::vector<std::vector<float>> probabilities;  ///< [moments][classes]
};

/// A stretch of a video as it is asked about: one frame a moment, and what is heard.
struct HeardClip {
  Clip clip;                    ///< `frames` holds the middle frame of each moment
  std::vector<AudioTag> tags;   ///< what sounds in it as a whole, united over the taggers
  bool tags_are_known = false;  ///< they are told, not heard: just these things sound
  MomentTags moments;           ///< no moments where they are not wanted (wants_moments())
  double moment_seconds = 1;
  /// Moments [first, second) of pieces between which the sound changes; with `moments` only.
  std::vector<std::pair<int, int>> segments;
};

/// The answer to question 1.
struct SoundingChoice {
  std::vector<SoundingObject> objects;  ///< distinct names; a frame is a place in the clip, from 1
  std::string question;                 ///< empty where no question in words was asked
  std::string reply;                    ///< the whole answer, or the reasons in words
  Usage usage;
};

/// The boxes of one object among which one is chosen, on its pivot frame.
struct SoundingBoxQuestion {
  std::string object;
  int number = 1;  ///< place of the pivot frame in the clip, from 1
  std::vector<Detection> boxes;
};

/// A box on one of a clip's frames.
struct FramedBox {
  int number = 1;  ///< of the frame, from 1
  Detection detection;
};

/// For each moment of a clip the objects that sound in it, ascending.
using ActiveObjects = std::vector<std::vector<size_t>>;

/// The choices of AL-Ref-SAM 2's audio half (arXiv:2408.15876, section 3.3): which things in the
/// picture make the sound and which frame shows each best, then which of the boxes found there.
class SoundReasoner {
 public:
  virtual ~SoundReasoner() = default;

  virtual std::string_view name() const = 0;
  /// Whether HeardClip::moments is to be filled.
  virtual bool wants_moments() const { return false; }

  /// What the detector is asked for an object's name.
  virtual std::string caption(const std::string& object) const { return object; }

  /// Question 1. No objects: nothing that sounds is to be seen. Throws Error(kReasoner) where it
  /// cannot be asked.
  virtual SoundingChoice name_objects(Scene& scene, const HeardClip& heard) = 0;
  /// Question 2, once an object; every question has two boxes or more. Choice::number is never
  /// empty.
  virtual std::vector<Choice> choose_boxes(Scene& scene, const HeardClip& heard,
                                           std::span<const SoundingBoxQuestion> questions) = 0;
  /// Boxes of the same thing on other frames than that of `chosen`, sure enough to start its masks
  /// from, too, where these have lost it. The paper has none.
  virtual std::vector<FramedBox> further_boxes(Scene&, const HeardClip&, const std::string&,
                                               const FramedBox&) {
    return {};
  }
  /// When each object sounds, where the reasoner judges that itself; else it is left to the
  /// likeness of sounds and labels.
  virtual std::optional<ActiveObjects> active_objects(const HeardClip&,
                                                      std::span<const SoundingObject>) {
    return std::nullopt;
  }
};

/// What the questions need to know beside the video.
struct SoundQuestionOptions {
  std::vector<std::string> classes;  ///< the names that are preferred
  bool single = false;               ///< ask for one object only
};

}  // namespace alref::reasoning
