// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/ref_segmenter.h"

#include <filesystem>

#include "datasets/rvos_dataset.h"

namespace alref::eval {

/// Which parts of the method are replaced by the truth, to see what each of them costs.
struct Oracles {
  bool frame = false;       ///< the pivot frame of each clip
  bool box = false;         ///< which of the detected boxes is the pivot box
  bool detections = false;  ///< the detector: true boxes of the things whose kind ends the caption

  bool any() const { return frame || box || detections; }
};

/// What a data set's truth says of one video, as RefOptions takes it. `kinds`: StampBench's
/// stampbench.json, which names the things; needed for `detections` alone, and only in the layout
/// of Ref-YouTube-VOS. The result refers to `dataset` and `video`.
/// Throws Error(kInput): no truth, or no kinds where they are needed.
RefOptions::Truth known_truth(const datasets::RvosDataset& dataset,
                              const datasets::RvosVideo& video, const Oracles& oracles,
                              const std::filesystem::path& kinds);

}  // namespace alref::eval
