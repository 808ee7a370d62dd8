// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "perception/video_segmenter.h"
#include "reasoning/pivot_selector.h"
#include "reasoning/reasoner.h"
#include "reasoning/scene.h"

namespace alref::pipeline {

struct RvosOptions {
  reasoning::PivotOptions pivots = {};
  bool reverse = true;        ///< else frames before the middle pivot stay empty (ablation)
  bool keep_features = true;  ///< of frames that only a later run may look at again
};

/// A pivot with the mask that SAM 2's image predictor makes of its box.
struct PromptedPivot {
  reasoning::Pivot pivot;
  size_t mask_area = 0;  ///< in pixels
};

/// What happened to one sentence.
struct RvosTrace {
  std::string text;
  reasoning::PivotSelection selection;
  std::vector<PromptedPivot> prompts;
  int start = -1;  ///< the frame from which masks are carried both ways; -1: nothing to carry
};

/// Where a run's time goes, in seconds.
struct RvosSeconds {
  double reasoning = 0;  ///< choosing pivots, the detector included
  double prompting = 0;  ///< masks of the pivots' boxes
  double forward = 0;
  double reverse = 0;
};

/// What a run tells while it goes on. Masks of one sentence come first forwards from its start,
/// then in reverse from there to frame 0; the start itself comes twice, and the last word counts.
struct RvosEvents {
  std::function<void(size_t sentence, const RvosTrace& trace)> on_pivots;
  std::function<void(size_t sentence, int frame, const FloatMap& logits, float object_score)>
      on_masks;
  std::function<void(std::string_view stage, int done, int total)> on_progress;
  std::function<bool()>
      cancelled;  ///< asked between steps; true ends the run with Error(kInterrupted)
};

struct RvosRun {
  std::vector<RvosTrace> traces;
  RvosSeconds seconds;
};

/// AL-Ref-SAM 2 for sentences (arXiv:2408.15876; al-ref-sam2 rvos/ytvos): per sentence pivots by
/// GPT-PS, prompt masks by SAM 2's image predictor, which SAM 2 carries forwards from the middle
/// pivot and then in reverse. All sentences take each pass together, frame by frame, so that a
/// frame's features are needed once a pass. A sentence without pivots gets no masks: it refers to
/// nothing in the video. Throws what the reasoner, the networks and the frames throw.
RvosRun run_rvos(reasoning::Scene& scene, reasoning::Reasoner& reasoner, VideoSegmenter& segmenter,
                 std::span<const std::string> texts, const RvosOptions& options,
                 const RvosEvents& events);

}  // namespace alref::pipeline
