// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/models.h"
#include "alref/ref_segmenter.h"

#include <filesystem>

#include "datasets/rvos_dataset.h"
#include "eval/video_runs.h"

namespace alref::eval {

struct RvosRunOptions : ShareOptions {
  ModelOptions models;
  RefOptions method;
};

/// Runs the method on every expression of a data set, into the layout that its server or evaluator takes
/// (datasets/rvos_results.h). A video is finished or begun anew: one that was broken off is run again, a finished one never.
/// Several processes may share `out`; each video is taken by one of them.
/// Throws Error as RefSegmenter does, with the video's name in front, and Error(kOutput).
RunSummary run_rvos(const datasets::RvosDataset& dataset, const std::filesystem::path& out, const RvosRunOptions& options);

}  // namespace alref::eval
