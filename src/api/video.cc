// SPDX-License-Identifier: Apache-2.0
#include "alref/video.h"

#include "media/video_reader.h"

namespace alref {

std::unique_ptr<FrameSource> open_video(const std::string& path) { return media::open_video(path); }

}  // namespace alref
