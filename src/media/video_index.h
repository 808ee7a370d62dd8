// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/video_decoder.h"

namespace alref::media {

/// Which frames a file has, by their presentation timestamps in the track's time base.
struct VideoIndex {
  struct KeyFrame {
    int64_t pts;
    int64_t dts;
  };

  /// Of every frame, strictly rising. Where the file keeps no usable times: 0, 1, 2, ... (see
  /// `timed`).
  std::vector<int64_t> pts;
  /// Where decoding can begin, rising by pts; empty if only at the start of the file.
  std::vector<KeyFrame> keys;
  /// Whether decoded frames carry these timestamps; else frames are counted from the start.
  bool timed = false;
  /// Packets of the track, among them those that are not shown.
  int64_t packets = 0;

  int frame_count() const { return static_cast<int>(pts.size()); }
  /// The frame with that timestamp, or -1.
  int find(int64_t timestamp) const;
};

/// Reads through the file: its packets only where their timestamps name the frames one by one, else
/// by decoding it. Leaves the decoder somewhere (restart() it). Logs a warning where the file
/// breaks off. Throws Error(kInput) where a limit is exceeded.
VideoIndex make_video_index(VideoDecoder& decoder, const std::string& path,
                            const VideoOptions& options);

}  // namespace alref::media
