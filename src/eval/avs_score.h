// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "datasets/avs_dataset.h"

namespace alref::eval {

/// M_J and M_F of binary masks, in [0, 1].
struct BinaryScore {
  double j = 0;
  double f = 0;
};

struct AvsScoreResult {
  datasets::AvsLayout layout = datasets::AvsLayout::kS4;
  int videos = 0;
  int missing = 0;  ///< videos without results; they count as empty masks
  int frames = 0;

  // Binary settings:
  BinaryScore per_frame;  ///< as AL-Ref-SAM 2's evaluators: each frame a batch of its own
  BinaryScore official;   ///< as AVSBench's: batches of 4 videos
  std::map<std::string, BinaryScore> groups;  ///< S4's categories, per frame
  /// Videos, per frame; their names may recur in other groups.
  std::vector<std::pair<std::string, BinaryScore>> by_video;

  // AVSS:
  double mean_iou = 0;
  double mean_f = 0;
  std::vector<double> class_iou;      ///< of the 71 classes
  std::vector<int64_t> class_frames;  ///< in which a class is predicted or true
};

/// Scores the results in `out` (datasets::AvsResults) as the official evaluators do. Throws
/// Error(kInput) where truth or results are damaged or differ in size.
AvsScoreResult score_avs(const datasets::AvsDataset& dataset, const std::filesystem::path& out,
                         const std::function<void(int done, int total)>& progress = {});

std::string table(const AvsScoreResult& score);
std::string json(const AvsScoreResult& score);

}  // namespace alref::eval
