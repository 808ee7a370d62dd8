// SPDX-License-Identifier: Apache-2.0
#include "reasoning/clips.h"

#include "alref/error.h"

#include <algorithm>
#include <string>

namespace alref::reasoning {

std::vector<Clip> make_clips(int frame_count, const ClipOptions& options) {
  if (options.step < 1 || options.frames_per_clip < 1) {
    throw Error(ErrorKind::kInvalidArgument,
                "clips: step and frames per clip must be at least 1, got " +
                    std::to_string(options.step) + " and " +
                    std::to_string(options.frames_per_clip));
  }
  std::vector<Clip> clips;
  const int span = options.step * options.frames_per_clip;
  for (int start = 0; start < frame_count; start += span) {
    Clip clip{.index = start / span, .frames = {}};
    for (int frame = start; frame < std::min(start + span, frame_count); frame += options.step) {
      clip.frames.push_back(frame);
    }
    if (clip.frames.size() > 1 || options.keep_single) clips.push_back(std::move(clip));
  }
  return clips;
}

}  // namespace alref::reasoning
