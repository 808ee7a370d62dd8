// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sam2.h"

#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/resize_map.h"
#include "perception/sam2/feature_cache.h"
#include "perception/sam2/network.h"
#include "perception/video_segmenter.h"

namespace alref::sam2 {

/// Masks of one step, in memory that is taken from `keeper` and goes back at the scope's end.
class StepMasks {
 public:
  explicit StepMasks(std::vector<ObjectLogits>& keeper)
      : keeper_(keeper), masks_(std::exchange(keeper, {})) {}
  ~StepMasks() { keeper_ = std::move(masks_); }
  StepMasks(const StepMasks&) = delete;
  StepMasks& operator=(const StepMasks&) = delete;

  std::vector<ObjectLogits>& operator*() { return masks_; }

 private:
  std::vector<ObjectLogits>& keeper_;
  std::vector<ObjectLogits> masks_;
};

/// SAM 2 for videos. Trackers opened on it share its network and its features of frames.
class Segmenter : public VideoSegmenter {
 public:
  Segmenter(std::unique_ptr<Network> network, bool half_features, const Sam2VideoOptions& options);

  FloatMap mask_of_box(FrameSource& frames, int frame, const Box& box) override;
  std::unique_ptr<VideoTracker> open(FrameSource& frames) override;
  void will_return_to(int first, int last) override { returning_ = {first, last}; }
  int64_t encoder_runs() const override { return network_->encoder_runs(); }

  Network& network() { return *network_; }
  const Sam2VideoOptions& options() const { return options_; }
  /// What is kept of pictures' features.
  size_t cached_bytes() const { return cache_.bytes(); }

  /// Makes the network look at a frame. False where the video has no such frame.
  bool look_at(FrameSource& frames, int frame);

  /// The network's mask at a video's size, into `to`.
  void stretch(const FloatMap& mask, int width, int height, FloatMap& to);
  /// Memory for one step's masks, which all trackers use in turn.
  StepMasks step_masks() { return StepMasks(room_); }

 private:
  struct Stretching {
    int width, height;
    MapResizer resizer;
  };

  std::unique_ptr<Network> network_;
  Sam2VideoOptions options_;
  FeatureCache cache_;
  std::pair<int, int> returning_{0, std::numeric_limits<int>::max()};
  std::optional<uint64_t> current_;       // the picture whose features the network holds
  std::optional<Stretching> stretching_;  // to the size of the last video
  std::vector<ObjectLogits> room_;
};

}  // namespace alref::sam2
