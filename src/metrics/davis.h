// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <vector>

namespace alref::metrics {

/// Region similarity J of one frame: intersection over union of two masks of one size, pixels of
/// `ignored` (null: none) left out; 1 where both are empty. (davis2017-evaluation, metrics.py,
/// db_eval_iou.)
double region_similarity(const Mask& predicted, const Mask& truth, const Mask* ignored = nullptr);

/// Boundary accuracy F of one frame: harmonic mean of precision and recall of the boundary pixels,
/// matched within ceil(0.008 * diagonal) pixels. (metrics.py, f_measure.) Cases without boundary go
/// by boundary pixels, not by area: a mask that fills the frame has none, so against an empty one
/// it scores F = 1.
double boundary_accuracy(const Mask& predicted, const Mask& truth, const Mask* ignored = nullptr);

/// J and F of one object over the frames of one video.
struct TrackScores {
  std::vector<double> j;
  std::vector<double> f;

  double mean_j() const;
  double mean_f() const;
  double mean() const { return (mean_j() + mean_f()) / 2; }
};

/// Scores of `predicted` against `truth`, frame by frame; both of one length.
TrackScores score_track(std::span<const Mask> predicted, std::span<const Mask> truth,
                        std::span<const Mask> ignored = {});

/// DAVIS' unsupervised task: predicted objects are matched to true ones so that the sum of mean (J
/// + F) / 2 is largest; a true object without a partner is scored against empty masks. One entry
/// per true object. (evaluation.py, _evaluate_unsupervised.) At most 20 predicted objects, else
/// Error(kInput).
/// @param predicted  [objects][frames]
/// @param truth      [objects][frames]
/// @param ignored    [frames], or empty
std::vector<TrackScores> score_matched_tracks(std::span<const std::vector<Mask>> predicted,
                                              std::span<const std::vector<Mask>> truth,
                                              std::span<const Mask> ignored = {});

}  // namespace alref::metrics
