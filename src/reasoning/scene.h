// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"
#include "alref/types.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reasoning/clips.h"
#include "reasoning/frame_strip.h"

namespace alref::reasoning {

/// Boxes for a caption on one frame of the video, in the detector's order; those below
/// `box_threshold` are left out.
using DetectFunction =
    std::function<std::vector<Detection>(int frame, const Image& image, std::string_view caption,
                                         float box_threshold, float text_threshold)>;

/// How a scene is drawn and searched.
struct SceneOptions {
  StripStyle strip = {};
  float text_threshold = 0.2f;  ///< RVOS's; it decides only a box's phrase
};

/// One video as reasoners see it. What several sentences need is made once: each frame goes through
/// the detector once a caption, and each clip's strip is drawn once.
class Scene {
 public:
  /// The lowest box threshold that can be asked for, that of the paper's fallback.
  static constexpr float kLowestBoxThreshold = 0.001f;
  /// The most boxes that are remembered of one frame and caption.
  static constexpr size_t kMostBoxes = 64;

  /// The most strips that are kept, so that memory does not grow with the video; about 2 MB each.
  static constexpr size_t kMostStrips = 32;

  /// `frames` must be seekable, of known length, and outlive the scene. `name` is the video's, for
  /// imported replies.
  Scene(FrameSource& frames, DetectFunction detect, std::string name,
        const SceneOptions& options = {});

  /// Different for every scene of the program.
  uint64_t id() const { return id_; }
  FrameSource& frames() { return frames_; }
  const std::string& name() const { return name_; }
  int frame_count() const { return frame_count_; }

  /// Sorts boxes by score, equal ones in their order, and leaves the best kMostBoxes.
  static void keep_best(std::vector<Detection>& boxes);
  /// Boxes whose score is above `box_threshold`, the best first, equal ones in the detector's
  /// order.
  std::vector<Detection> detect(int frame, std::string_view caption, float box_threshold);
  /// The same for at most `most` boxes, as AVS wants them: where there are more, the best ones by
  /// score, else in the detector's order. `most` boxes or more are sorted by score, too.
  std::vector<Detection> detect_unsorted(int frame, std::string_view caption, float box_threshold,
                                         size_t most);
  /// Forgets what was detected and drawn, so that memory does not grow with the video.
  void forget();
  /// The clip's frames with their numbers.
  std::shared_ptr<const Image> strip(const Clip& clip);
  /// The same with boxes on one of them.
  std::shared_ptr<const Image> strip_with_boxes(const Clip& clip, const MarkedBoxes& boxes);

  /// How often the detector ran, and how often its answer was known already.
  int detector_runs() const { return detector_runs_; }
  int detector_hits() const { return detector_hits_; }

 private:
  /// Boxes by falling score, and each one's place in the detector's order.
  struct Found {
    std::vector<Detection> boxes;
    std::vector<size_t> places;
  };

  const Found& find(int frame, std::string_view caption);
  std::vector<std::shared_ptr<const Image>> images(const Clip& clip);

  uint64_t id_;
  FrameSource& frames_;
  DetectFunction detect_;
  std::string name_;
  SceneOptions options_;
  int frame_count_;
  std::map<std::pair<int, std::string>, Found> detections_;
  std::map<int, std::shared_ptr<const Image>> strips_;
  int detector_runs_ = 0;
  int detector_hits_ = 0;
};

}  // namespace alref::reasoning
