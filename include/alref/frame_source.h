// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <memory>
#include <optional>

namespace alref {

/// The frames of one video, read as they are needed; nothing holds the whole video.
/// All frames have one size. Frames are numbered from 0 in presentation order.
class FrameSource {
 public:
  virtual ~FrameSource() = default;

  virtual int width() const = 0;
  virtual int height() const = 0;
  /// Frames a second; of a video with a variable rate the average.
  virtual double frame_rate() const = 0;
  /// Number of frames; none for a stream whose end has not been reached yet.
  virtual std::optional<int> frame_count() const = 0;
  /// Whether frames may be asked for in any order. A stream gives each frame once, in order, and
  /// keeps a few.
  virtual bool seekable() const = 0;
  /// Frame `index`; null past the end. Throws Error(kInput) where it cannot be decoded.
  virtual std::shared_ptr<const Image> frame(int index) = 0;
  /// When frame `index` is shown, in seconds from the start of the file (and of its sound).
  virtual double time(int index) const { return frame_rate() > 0 ? index / frame_rate() : 0; }
};

}  // namespace alref
