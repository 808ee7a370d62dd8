// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace alref::reasoning {

/// How a video is cut into clips for GPT-PS (AL-Ref-SAM 2, section 3.2).
struct ClipOptions {
  int step = 10;            ///< every step-th frame is sampled
  int frames_per_clip = 5;  ///< sampled frames in one clip
  /// Whether a clip with one sampled frame is kept. A strip of one frame leaves nothing to choose
  /// from, so that the paper skips it; videos of `step` frames or fewer then have no clip at all.
  bool keep_single = false;
};

/// One clip: clip t covers the frames from t * step * frames_per_clip on.
struct Clip {
  int index = 0;
  std::vector<int> frames;  ///< the sampled frames, ascending
};

/// The clips of a video of `frame_count` frames, in order.
std::vector<Clip> make_clips(int frame_count, const ClipOptions& options = {});

}  // namespace alref::reasoning
