// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"
#include "alref/types.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace alref {

/// One object's mask on one frame, as logits: above 0 is the object.
struct ObjectLogits {
  int object = 0;
  FloatMap logits;          ///< at the video's size
  float object_score = 0;   ///< logit of the object being visible at all
  FloatMap low_resolution;  ///< the same logits as the network gave them, before they were
                            ///< stretched over the video
};

/// Objects followed through one video. Made by VideoSegmenter::open; the video outlives it.
class VideoTracker {
 public:
  virtual ~VideoTracker() = default;

  /// Says that on `frame` the object has this mask (the video's size). Frames with prompts become
  /// conditioning frames.
  virtual void add_mask(int object, int frame, const Mask& mask) = 0;
  /// Says that on `frame` the object lies in this box.
  virtual void add_box(int object, int frame, const Box& box) = 0;
  /// The same with clicks: labels 1 on the object, 0 off it.
  virtual void add_points(int object, int frame, std::span<const Point> points,
                          std::span<const int> labels) = 0;
  virtual void remove_object(int object) = 0;
  /// Forgets every prompt, object and memory.
  virtual void reset() = 0;

  /// Receives a frame's masks, one entry an object in the order in which the objects were added;
  /// returns false to stop.
  using FrameCallback = std::function<bool(int frame, std::span<const ObjectLogits>)>;

  /// Makes `start` the next frame of a pass through the video: to its end, or in reverse to frame
  /// 0.
  virtual void start_pass(int start, bool reverse) = 0;
  /// Carries the masks to the pass's next frame, the first being `start` itself, and hands them to
  /// `on_frame`. False, without a call, past the last frame. Several trackers of one video that
  /// step in turn share its features.
  virtual bool step(const FrameCallback& on_frame) = 0;

  /// A whole pass, until its end or until `on_frame` returns false.
  void propagate(int start, bool reverse, const FrameCallback& on_frame) {
    bool wanted = true;
    start_pass(start, reverse);
    while (wanted && step([&](int frame, std::span<const ObjectLogits> masks) {
             return wanted = on_frame(frame, masks);
           })) {
    }
  }
};

/// Makes masks from boxes and carries masks through a video (SAM 2).
class VideoSegmenter {
 public:
  virtual ~VideoSegmenter() = default;

  /// The image predictor's single mask of a box on one frame of a video, as logits at the video's
  /// size. The frame's features are shared with trackers opened on the same FrameSource.
  virtual FloatMap mask_of_box(FrameSource& frames, int frame, const Box& box) = 0;
  virtual std::unique_ptr<VideoTracker> open(FrameSource& frames) = 0;

  /// Says that of what is looked at from now on, in whichever video, only the frames first ... last
  /// will be looked at again, so that nothing need be kept of others. Until it is said again; at
  /// the start, all will be.
  virtual void will_return_to(int first, int last) = 0;

  /// How often the image encoder ran, for reports and tests.
  virtual int64_t encoder_runs() const = 0;
};

}  // namespace alref
