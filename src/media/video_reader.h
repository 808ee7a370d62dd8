// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/frame_source.h"
#include "media/image_io.h"

namespace alref::media {

/// Limits and settings of open_video(). What exceeds a limit is an Error(kInput), never cut
/// silently.
struct VideoOptions {
  int64_t max_pixels = kMaxPixels;  ///< width x height of a frame
  int max_frames = 1 << 20;
  double max_seconds = 24 * 3600;
  double image_frame_rate = 25;  ///< of a folder of images
  int threads = 0;               ///< of the decoder; 0: as FFmpeg thinks
  int kept_frames = 8;  ///< decoded frames that are kept (of a stream: that may be asked for again)
  size_t kept_bytes =
      size_t{128}
      << 20;  ///< for frames decoded on the way to an earlier one, when reading backwards
};

/// The frames of a video: a file in any container and codec that FFmpeg reads; a folder of JPEG or
/// PNG frames in the natural order of their names (2.jpg before 10.jpg); one image; a named pipe,
/// or "-" for standard input, as a stream.
///
/// Rotation in the file's metadata is applied, so that width and height are those that a player
/// shows. Frame numbers are exact: frame(i) is the i-th frame that reading from the start gives,
/// whatever was read before. A file that breaks off gives the frames that there are; a frame in its
/// middle that cannot be decoded is stood in for by the one before it. Both are logged as warnings.
/// Frame rates may vary: time() has each frame's time.
///
/// Opening reads through a file once without decoding it (decoding where its container keeps no
/// usable times). Only local files and pipes are read, and nothing that the file itself refers to.
/// @throws Error(kInput)  no such file, not a video or image, no video track, no frame that can be
/// decoded, over a limit. Not safe for calls from several threads at once.
std::unique_ptr<FrameSource> open_video(const std::string& path, const VideoOptions& options = {});

}  // namespace alref::media
