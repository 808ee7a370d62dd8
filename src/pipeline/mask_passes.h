// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "perception/video_segmenter.h"

namespace alref::pipeline {

/// Several objects' masks carried through a stretch of a video together, frame by frame, so that a
/// frame's features are needed once a pass.
class MaskPasses {
 public:
  using OnMask =
      std::function<void(size_t object, int frame, const FloatMap& logits, float object_score)>;
  /// Asked before each step; throws to stop.
  using OnProgress = std::function<void(size_t done, size_t total)>;

  /// Masks stay within the frames first ... last.
  MaskPasses(int first, int last) : first_(first), last_(last) {}

  /// An object whose prompts the tracker has already, carried from the frame `start`.
  void add(size_t object, std::unique_ptr<VideoTracker> tracker, int start);

  /// The last frame from which an object is carried; first - 1 without objects.
  int latest_start() const;

  /// One pass of all objects, forwards to the last frame or in reverse to the first: always the
  /// tracker that is furthest behind takes the next step.
  void run(bool reverse, const OnMask& on_mask, const OnProgress& on_progress);

 private:
  struct Walker {
    size_t object = 0;
    std::unique_ptr<VideoTracker> tracker;
    int start = 0;
    int next = 0;
    bool finished = false;
  };

  Walker* furthest_behind(bool reverse);

  int first_;
  int last_;
  std::vector<Walker> walkers_;
};

}  // namespace alref::pipeline
