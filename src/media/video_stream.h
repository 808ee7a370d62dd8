// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>

#include "media/frame_converter.h"
#include "media/video_decoder.h"

namespace alref::media {

/// Frames from a pipe: each once, in order, the last few kept. See open_video().
class VideoStream : public FrameSource {
 public:
  VideoStream(const std::string& path, const VideoOptions& options);

  int width() const override { return width_; }
  int height() const override { return height_; }
  double frame_rate() const override { return frame_rate_; }
  std::optional<int> frame_count() const override;
  bool seekable() const override { return false; }
  std::shared_ptr<const Image> frame(int index) override;
  double time(int index) const override;

 private:
  struct Kept {
    std::shared_ptr<const Image> image;
    double time;
  };

  bool read_next();

  std::string name_;
  VideoOptions options_;
  VideoDecoder decoder_;
  int width_ = 0;
  int height_ = 0;
  double frame_rate_ = 0;
  std::unique_ptr<FrameConverter> converter_;
  FramePtr first_;
  std::deque<Kept> kept_;  ///< the frames read_ - kept_.size() ... read_ - 1
  int read_ = 0;
  bool ended_ = false;
};

}  // namespace alref::media
