// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <memory>
#include <string>

#include "media/image_io.h"

namespace alref::media {

enum class VideoKind {
  kMp4,        ///< H.264 (else MPEG-4 part 2) in MP4; no alpha
  kWebmAlpha,  ///< VP9 with alpha in WebM: small, for browsers
  kMovAlpha,   ///< PNG frames in QuickTime: lossless, for editors
};

struct VideoWriterOptions {
  VideoKind kind = VideoKind::kMp4;
  double frame_rate = 25;  ///< as the file states it; each frame has its own time
  std::string sound{};     ///< a file whose sound goes along, from the same start; empty: none
  int quality = 20;        ///< H.264's and VP9's constant rate factor; lower is better
  int threads = 0;         ///< of the encoder; 0: as it thinks
};

/// Whether this build of FFmpeg has an encoder for that kind.
bool can_write(VideoKind kind);

/// Writes a video frame by frame. The file appears under its name only with finish(). Sizes are
/// kept exactly: where one is odd, H.264 is written with full chroma (4:4:4). The sound is copied
/// where the container takes its codec, else encoded anew, and ends with the picture; a source
/// without sound gives a video without.
/// @throws Error  kOutput: cannot be written (naming the file).
///                kUnavailable: FFmpeg has no encoder for this kind.
///                kInvalidArgument: frames of another size, or times that do not rise.
///                kInput: the sound's file cannot be read.
class VideoWriter {
 public:
  VideoWriter(const std::string& path, int width, int height,
              const VideoWriterOptions& options = {});
  ~VideoWriter();
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;

  /// The next frame, shown from `seconds` on. The alpha kinds take frames without alpha as opaque.
  void write(const Image& image, double seconds);
  void write(const RgbaImage& image, double seconds);
  void finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alref::media
