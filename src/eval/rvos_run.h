// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/models.h"
#include "alref/ref_segmenter.h"

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/rvos_dataset.h"
#include "eval/known_truth.h"
#include "eval/video_runs.h"

namespace alref::eval {

/// The method with some of its steps switched off or replaced by the truth.
struct RvosVariant {
  std::string name;  ///< its folder of results in the run's; empty: that folder itself
  RefOptions method;
  Oracles oracles = {};
};

/// The paper's table of ablations, on top of `method`: the baseline, the pivot frame alone, with
/// the pivot box, and what the truth would choose for either, for both, and for the detector where
/// `with_detections`.
std::vector<RvosVariant> ablations(const RefOptions& method, bool with_detections);

struct RvosRunOptions : ShareOptions {
  ModelOptions models;
  /// All of them run on a video before the next one, so that they share its detections and image
  /// features.
  std::vector<RvosVariant> variants;
  std::filesystem::path kinds;  ///< see known_truth()
};

/// Runs the method on every expression of a data set, into the layout that its server or evaluator
/// takes (datasets/rvos_results.h). A video is finished or begun anew: one that was broken off is
/// run again, a finished one never. Several processes may share `out`; each video is taken by one
/// of them. Throws Error as RefSegmenter does, with the video's name in front, and Error(kOutput).
RunSummary run_rvos(const datasets::RvosDataset& dataset, const std::filesystem::path& out,
                    const RvosRunOptions& options);

}  // namespace alref::eval
