// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/video_segmenter.h"

#include <optional>
#include <string>
#include <vector>

namespace alref::cli {

/// What is said of one object on one frame: a box, points, or a mask.
struct TrackPrompt {
  int frame = 0;
  int object = 1;
  std::optional<Box> box;
  std::vector<Point> points;
  std::vector<int> labels;
  std::string mask_path;
};

/// A JSON list of {"frame", "object", and "box": [x0, y0, x1, y1] or "points": [[x, y], ...] with
/// "labels": [1, 0, ...] or "mask": a PNG file, as it is or beside the list}. Throws Error(kInput)
/// with the entry's number.
std::vector<TrackPrompt> read_track_prompts(const std::string& path);

/// Hands a prompt to a tracker. Throws Error(kInput) for a mask that cannot be read, and what the
/// tracker throws.
void add_prompt(VideoTracker& tracker, const TrackPrompt& prompt);

}  // namespace alref::cli
