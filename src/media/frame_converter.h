// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include "media/ffmpeg.h"

namespace alref::media {

/// How a decoded picture is turned to stand upright: first transposed (if so), then mirrored.
struct Orientation {
  bool transpose = false;
  bool flip_x = false;
  bool flip_y = false;

  friend bool operator==(const Orientation&, const Orientation&) = default;
};

/// The orientation that a track's display matrix asks for; angles that are no multiple of 90
/// degrees are ignored.
Orientation orientation_of(const AVStream& stream);

/// Decoded frames of any pixel format to upright RGB images of one size.
class FrameConverter {
 public:
  /// `width` and `height` of the upright images; frames of another size are scaled to it.
  FrameConverter(int width, int height, Orientation orientation)
      : width_(width), height_(height), orientation_(orientation) {}

  Image convert(const AVFrame& frame);

 private:
  int width_;
  int height_;
  Orientation orientation_;
  SwsPtr scaler_;
  int colorspace_ = -1;
  int range_ = -1;
  FramePtr rgb_;
};

}  // namespace alref::media
