// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"

#include <memory>
#include <string>

namespace alref {

/// The frames of a video file in any container and codec that FFmpeg reads, of a folder of JPEG or
/// PNG frames in the natural order of their names, or of one image. Only local files are read. At
/// most 2^26 pixels a frame, 2^20 frames and 24 hours; more is an error, never cut.
/// @throws Error(kInput)  no such file, not a video or image, no frame that can be decoded, over a
/// limit.
std::unique_ptr<FrameSource> open_video(const std::string& path);

}  // namespace alref
