// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reasoning/reasoner.h"

namespace alref::reasoning {

/// Where SAM 2 starts from: a frame, and the box of the thing meant in it.
struct Pivot {
  int frame = 0;
  Detection detection;
};

/// What becomes of a sentence for which no clip gives a pivot.
enum class OnNoPivot {
  kFallback,  ///< the detector's best box on frame 0, as in the paper
  kEmpty,     ///< it refers to nothing in the video
};

/// What a sentence means on a frame, for experiments with known truth; none where it is not seen.
using TrueBox = std::function<std::optional<Box>(std::string_view expression, int frame)>;

/// GPT-PS's settings; each step can be switched off alone for the paper's ablations.
struct PivotOptions {
  ClipOptions clips = {};
  bool choose_frame = true;   ///< else the first sampled frame of each clip
  bool choose_box = true;     ///< else the best box of each pivot frame at the fallback's threshold
  bool single_pivot = false;  ///< of all pivots only the middle one, from which propagation starts
  float box_threshold = 0.25f;
  float fallback_box_threshold = 0.001f;  ///< 0.1 on Ref-DAVIS17
  OnNoPivot on_no_pivot = OnNoPivot::kFallback;
  /// Where set, the truth chooses in place of the reasoner: of a clip's frames the one that shows
  /// most, of the boxes the one that overlaps it most, if by half or more.
  TrueBox frame_oracle = {}, box_oracle = {};
};

/// What happened in one clip, for the report.
struct ClipRecord {
  Clip clip;
  std::optional<Choice> frame_choice;  ///< none where the choice was switched off
  std::optional<int> frame;            ///< the pivot frame
  std::vector<Detection> boxes;        ///< those that were asked about, best first
  std::optional<Choice> box_choice;    ///< none where there was no box or nothing to choose
  std::optional<int> box;              ///< index into `boxes`
};

struct PivotSelection {
  std::string caption;  ///< what the detector was asked for
  std::vector<ClipRecord> clips;
  std::vector<Pivot>
      pivots;             ///< in the order of their frames; none: the sentence refers to nothing
  bool fallback = false;  ///< whether the pivot is the fallback's
};

/// Pivot frames and pivot boxes of a sentence (AL-Ref-SAM 2, section 3.2; al-ref-sam2 rvos/ytvos,
/// both stages). Throws Error(kInvalidArgument) for an empty sentence, Error(kReasoner) where the
/// reasoner fails.
PivotSelection select_pivots(Scene& scene, Reasoner& reasoner, std::string_view expression,
                             const PivotOptions& options);

}  // namespace alref::reasoning
