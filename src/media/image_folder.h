// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/frame_source.h"
#include "media/video_reader.h"

namespace alref::media {

/// Whether `a` comes before `b` in an order in which runs of digits count as numbers.
bool natural_less(std::string_view a, std::string_view b);

/// The JPEG and PNG files of a folder in natural order. Throws Error(kInput) if there are none.
std::vector<std::string> image_files(const std::string& folder);

/// Image files as frames, read as they are asked for. See open_video().
class ImageFrames : public FrameSource {
 public:
  ImageFrames(std::vector<std::string> files, const VideoOptions& options);

  int width() const override { return width_; }
  int height() const override { return height_; }
  double frame_rate() const override { return options_.image_frame_rate; }
  std::optional<int> frame_count() const override { return static_cast<int>(files_.size()); }
  bool seekable() const override { return true; }
  /// Throws Error(kInput) for an image of another size than the first.
  std::shared_ptr<const Image> frame(int index) override;

 private:
  struct Kept {
    int index;
    std::shared_ptr<const Image> image;
  };

  std::vector<std::string> files_;
  VideoOptions options_;
  int width_ = 0;
  int height_ = 0;
  std::deque<Kept> kept_;  ///< latest first
};

}  // namespace alref::media
