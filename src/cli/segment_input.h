// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"

#include <memory>
#include <string>

#include "media/video_reader.h"

namespace alref::cli {

/// A video that can be read in any order, and what tells it from others.
struct SegmentInput {
  std::unique_ptr<FrameSource> frames;
  std::string name;   ///< without folders
  std::string sound;  ///< the file whose sound belongs to it; empty: none
  std::string key;    ///< changes when the content does
};

/// Opens a file, a folder of frames, or a stream ("-" or a named pipe), which is first written to
/// `work_folder`: a sentence is judged by the whole video. A video whose frames take at most 384
/// MiB as RGB stays in memory once it is decoded. Throws Error(kInput).
SegmentInput open_segment_input(const std::string& path, const std::string& work_folder,
                                const media::VideoOptions& options);

}  // namespace alref::cli
