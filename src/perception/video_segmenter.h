// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "alref/types.h"
#include "core/frame_source.h"

namespace alref {

/// One object's mask on one frame, as logits: above 0 is the object.
struct ObjectLogits {
  int object = 0;
  FloatMap logits;          ///< at the video's size
  float object_score = 0;   ///< logit of the object being visible at all
};

/// Objects followed through one video. Made by VideoSegmenter::open; the video outlives it.
class VideoTracker {
 public:
  virtual ~VideoTracker() = default;

  /// Says that on `frame` the object has this mask (the video's size). Frames with prompts become conditioning frames.
  virtual void add_mask(int object, int frame, const Mask& mask) = 0;
  /// Says that on `frame` the object lies in this box.
  virtual void add_box(int object, int frame, const Box& box) = 0;
  /// The same with clicks: labels 1 on the object, 0 off it.
  virtual void add_points(int object, int frame, std::span<const Point> points,
                          std::span<const int> labels) = 0;
  virtual void remove_object(int object) = 0;
  /// Forgets every prompt, object and memory.
  virtual void reset() = 0;

  /// Receives a frame's masks, one entry an object in the order in which the objects were added; returns false to stop.
  using FrameCallback = std::function<bool(int frame, std::span<const ObjectLogits>)>;
  /// Carries the masks from `start` to the end of the video, or in reverse to frame 0; `start` itself is included.
  virtual void propagate(int start, bool reverse, const FrameCallback& on_frame) = 0;
};

/// Makes masks from boxes and carries masks through a video (SAM 2).
class VideoSegmenter {
 public:
  virtual ~VideoSegmenter() = default;

  /// The image predictor's single mask of a box on one frame of a video, as logits at the video's size.
  /// The frame's features are shared with trackers opened on the same FrameSource.
  virtual FloatMap mask_of_box(FrameSource& frames, int frame, const Box& box) = 0;
  virtual std::unique_ptr<VideoTracker> open(FrameSource& frames) = 0;

  /// How often the image encoder ran, for reports and tests.
  virtual int64_t encoder_runs() const = 0;
};

}  // namespace alref
