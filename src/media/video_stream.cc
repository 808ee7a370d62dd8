// SPDX-License-Identifier: Apache-2.0
#include "media/video_stream.h"

#include "alref/error.h"

#include <algorithm>

#include "core/log.h"

namespace alref::media {

VideoStream::VideoStream(const std::string& path, const VideoOptions& options)
    : name_(shown_path(path)), options_(options), decoder_(path, options), first_(decoder_.next()) {
  if (!first_) throw Error(ErrorKind::kInput, name_ + ": has no frame that can be decoded");
  const Orientation orientation = orientation_of(decoder_.track());
  width_ = orientation.transpose ? first_->height : first_->width;
  height_ = orientation.transpose ? first_->width : first_->height;
  converter_ = std::make_unique<FrameConverter>(width_, height_, orientation);
  const AVStream& track = decoder_.track();
  const double rate =
      av_q2d(track.avg_frame_rate.num > 0 ? track.avg_frame_rate : track.r_frame_rate);
  frame_rate_ = rate > 0 && rate < 1e6 ? rate : options.image_frame_rate;
}

std::optional<int> VideoStream::frame_count() const {
  return ended_ ? std::optional<int>(read_) : std::nullopt;
}

bool VideoStream::read_next() {
  if (ended_) return false;
  const FramePtr frame = first_ ? std::move(first_) : decoder_.next();
  if (!frame) {
    ended_ = true;
    if (decoder_.read_error() != 0) {
      log(LogLevel::kWarning, name_ + ": reading ended after " + std::to_string(read_) +
                                  " frames: " + ffmpeg_error(decoder_.read_error()));
    }
    return false;
  }
  if (read_ >= options_.max_frames) {
    throw Error(ErrorKind::kInput, name_ + ": more than the " +
                                       std::to_string(options_.max_frames) +
                                       " frames that are allowed");
  }
  double time = read_ / frame_rate_;
  if (frame->best_effort_timestamp != AV_NOPTS_VALUE) {
    const int64_t start = decoder_.input().start_time;
    time = static_cast<double>(frame->best_effort_timestamp) * av_q2d(decoder_.track().time_base) -
           (start == AV_NOPTS_VALUE ? 0 : static_cast<double>(start) / AV_TIME_BASE);
  }
  if (time > options_.max_seconds) {
    throw Error(ErrorKind::kInput, name_ + ": longer than the " +
                                       std::to_string(static_cast<int64_t>(options_.max_seconds)) +
                                       " seconds that are allowed");
  }
  kept_.push_back({std::make_shared<const Image>(converter_->convert(*frame)), time});
  while (kept_.size() > static_cast<size_t>(std::max(options_.kept_frames, 1))) kept_.pop_front();
  ++read_;
  return true;
}

std::shared_ptr<const Image> VideoStream::frame(int index) {
  const int oldest = read_ - static_cast<int>(kept_.size());
  if (index < oldest) {
    throw Error(ErrorKind::kInvalidArgument,
                name_ + ": frame " + std::to_string(index) +
                    " of a stream was asked for again; the oldest one kept is " +
                    std::to_string(oldest));
  }
  while (index >= read_) {
    if (!read_next()) return nullptr;
  }
  return kept_[kept_.size() - static_cast<size_t>(read_ - index)].image;
}

double VideoStream::time(int index) const {
  const int oldest = read_ - static_cast<int>(kept_.size());
  if (index < oldest || index >= read_) return index / frame_rate_;
  return kept_[static_cast<size_t>(index - oldest)].time;
}

}  // namespace alref::media
