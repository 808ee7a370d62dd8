// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <string>
#include <vector>

#include "media/image_io.h"
#include "media/video_writer.h"

namespace alref::outputs {

/// A list of the objects' sentences with their colours on a dark ground, to lay over a frame of
/// that size; sentences that are too wide are cut, and where there are too many the rest is
/// counted. Empty (0 x 0) on frames too small to read.
media::RgbaImage make_legend(std::span<const std::string> labels, int width, int height);

/// The video with each object's mask tinted and outlined in its colour (media::object_color) and
/// the legend in the upper left corner. Errors as in media::VideoWriter.
class OverlayWriter {
 public:
  OverlayWriter(const std::string& path, int width, int height, std::span<const std::string> labels,
                const media::VideoWriterOptions& options = {});

  /// One mask a label; an empty Mask where the object is not visible.
  void write(const Image& frame, std::span<const Mask> masks, double seconds);
  void finish() { writer_.finish(); }

 private:
  media::RgbaImage legend_;
  media::VideoWriter writer_;
};

}  // namespace alref::outputs
