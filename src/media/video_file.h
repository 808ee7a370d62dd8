// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "media/frame_converter.h"
#include "media/video_decoder.h"
#include "media/video_index.h"

namespace alref::media {

/// A seekable video file. See open_video().
class VideoFile : public FrameSource {
 public:
  VideoFile(const std::string& path, const VideoOptions& options);

  int width() const override { return width_; }
  int height() const override { return height_; }
  double frame_rate() const override { return frame_rate_; }
  std::optional<int> frame_count() const override { return index_.frame_count(); }
  bool seekable() const override { return true; }
  std::shared_ptr<const Image> frame(int index) override;
  double time(int index) const override;

 private:
  struct Kept {
    int index;
    std::shared_ptr<const Image> image;
  };

  FramePtr decode(int index);
  size_t keys_up_to(int index) const;
  void go_to_key_before(int index, size_t earlier);
  FramePtr next_in_order(int& index);
  int stand_in_for(int index) const;

  std::string path_;
  VideoOptions options_;
  VideoDecoder decoder_;
  VideoIndex index_;
  int width_ = 0;
  int height_ = 0;
  double frame_rate_ = 0;
  std::unique_ptr<FrameConverter> converter_;

  int next_ = 0;         ///< the decoder's next frame, if none is missing
  int run_start_ = 0;    ///< the frame that decoding began with after the last seek
  int last_asked_ = -1;  ///< the frame asked for last
  FramePtr pending_;     ///< decoded, but not asked for: the frame `pending_index_`
  int pending_index_ = -1;
  std::map<int, FramePtr> passed_;  ///< decoded on the way to a frame when reading backwards
  std::vector<bool> missing_;       ///< frames that turned out not to be decodable
  bool warned_ = false;
  std::deque<Kept> kept_;  ///< latest first
};

}  // namespace alref::media
