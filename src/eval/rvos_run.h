// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/models.h"
#include "alref/ref_segmenter.h"

#include <filesystem>
#include <functional>

#include "datasets/rvos_dataset.h"

namespace alref::eval {

struct RvosRunOptions {
  ModelOptions models;
  RefOptions method;
  /// This process takes every `shards`-th video, from `shard` on.
  int shard = 0;
  int shards = 1;
  /// Called before each video; returns false to stop.
  std::function<bool(int done, int total)> progress;
};

struct RvosRunSummary {
  int videos = 0;     ///< of this shard
  int done_before = 0;  ///< found finished
  int left_to_others = 0;  ///< being worked on by another process
};

/// Runs the method on every expression of a data set, into the layout that its server or evaluator takes
/// (datasets/rvos_results.h). A video is finished or begun anew: one that was broken off is run again, a finished one never.
/// Several processes may share `out`; each video is taken by one of them.
/// Throws Error as RefSegmenter does, with the video's name in front, and Error(kOutput).
RvosRunSummary run_rvos(const datasets::RvosDataset& dataset, const std::filesystem::path& out, const RvosRunOptions& options);

}  // namespace alref::eval
