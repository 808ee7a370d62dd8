// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/ref_segmenter.h"

#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/packed_mask.h"

namespace alref {

/// All masks of one sentence.
struct MaskTrack {
  std::vector<PackedMask> masks;  ///< by frame
  std::vector<float> scores;
};

/// What a run has found out so far, on disk, so that a killed one need not begin anew:
///   detections.jsonl  a line a frame and caption: {"frame", "caption", "boxes": [[x0, y0, x1, y1,
///   score, offset, phrase]]} results.bin       masks and what led to them, once all are there
/// Both begin with a key: what was found for another video, model or question is not used. Damaged
/// files are as good as none. Without a folder nothing is kept.
class WorkStore {
 public:
  /// `detections_key`: video and detector; `results_key`: all that masks depend on.
  WorkStore(std::string folder, std::string detections_key, std::string results_key);
  ~WorkStore();
  WorkStore(const WorkStore&) = delete;
  WorkStore& operator=(const WorkStore&) = delete;

  /// What is kept of a frame and a caption, else what `look` finds there, which is kept then.
  std::vector<Detection> detections(int frame, std::string_view caption,
                                    const std::function<std::vector<Detection>()>& look);

  /// A finished run's report, as text, and its masks.
  std::optional<std::pair<std::string, std::vector<MaskTrack>>> load_results(int width,
                                                                             int height) const;
  void save_results(const std::string& report, const std::vector<MaskTrack>& tracks);

 private:
  void load_detections(const std::string& path);
  void add_detections(int frame, const std::string& caption, const std::vector<Detection>& boxes);

  std::string folder_;
  std::string detections_key_;
  std::string results_key_;
  std::map<std::pair<int, std::string>, std::vector<Detection>> detections_;
  std::FILE* detections_file_ = nullptr;
};

/// The parts of results that are not masks, to text and back. Throws Error(kInput).
std::string results_to_text(const std::vector<RefResult>& results);
std::vector<RefResult> results_from_text(const std::string& text);

}  // namespace alref
