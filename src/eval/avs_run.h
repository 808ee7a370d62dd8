// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/av_segmenter.h"
#include "alref/models.h"

#include <filesystem>

#include "datasets/avs_dataset.h"
#include "eval/video_runs.h"

namespace alref::eval {

struct AvsRunOptions : ShareOptions {
  ModelOptions models;
  /// Moments, windows, `single` and `semantic` follow from the layout.
  AvOptions method;
  bool true_labels = false;  ///< AvOptions::known_labels from the truth; not MS3
};

/// Runs the method on every video of a setting of AVSBench, into the layout that
/// datasets::AvsResults describes. A video is finished or begun anew; several processes may share
/// `out`. Throws Error as AvSegmenter does, with the video's name in front, and Error(kOutput).
RunSummary run_avs(const datasets::AvsDataset& dataset, const std::filesystem::path& out,
                   const AvsRunOptions& options);

}  // namespace alref::eval
