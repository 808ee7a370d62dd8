// SPDX-License-Identifier: Apache-2.0
#include "media/video_file.h"

#include "alref/error.h"

#include <algorithm>

#include "core/log.h"

namespace alref::media {
namespace {

// Decoding on is cheaper than a seek that skips fewer frames than a decoder buffers.
constexpr int kWorthASeek = 24;

size_t bytes_of(const AVFrame& frame) {
  size_t bytes = 0;
  for (const AVBufferRef* buffer : frame.buf) {
    if (buffer != nullptr) bytes += buffer->size;
  }
  return std::max<size_t>(bytes, 1);
}

}  // namespace

VideoFile::VideoFile(const std::string& path, const VideoOptions& options)
    : path_(path),
      options_(options),
      decoder_(path, options),
      index_(make_video_index(decoder_, path, options)),
      missing_(index_.pts.size(), false) {
  decoder_.restart();
  const Orientation orientation = orientation_of(decoder_.track());
  pending_ = next_in_order(pending_index_);
  if (!pending_) throw Error(ErrorKind::kInput, path_ + ": has no frame that can be decoded");
  width_ = orientation.transpose ? pending_->height : pending_->width;
  height_ = orientation.transpose ? pending_->width : pending_->height;
  converter_ = std::make_unique<FrameConverter>(width_, height_, orientation);

  const AVStream& track = decoder_.track();
  const int count = index_.frame_count();
  const double span =
      index_.timed && count > 1
          ? static_cast<double>(index_.pts.back() - index_.pts.front()) * av_q2d(track.time_base)
          : 0;
  if (span > 0) {
    frame_rate_ = (count - 1) / span;
  } else {
    const double rate =
        av_q2d(track.avg_frame_rate.num > 0 ? track.avg_frame_rate : track.r_frame_rate);
    frame_rate_ = rate > 0 && rate < 1e6 ? rate : options.image_frame_rate;
  }
}

double VideoFile::time(int index) const {
  if (!index_.timed) return index / frame_rate_;
  const int64_t start = decoder_.input().start_time;
  const int at = std::clamp(index, 0, index_.frame_count() - 1);
  return static_cast<double>(index_.pts[static_cast<size_t>(at)]) *
             av_q2d(decoder_.track().time_base) -
         (start == AV_NOPTS_VALUE ? 0 : static_cast<double>(start) / AV_TIME_BASE);
}

// The next frame that the decoder gives and its number; frames that are not in the index are left
// out.
FramePtr VideoFile::next_in_order(int& index) {
  while (FramePtr frame = decoder_.next()) {
    index = index_.timed ? index_.find(frame->pts) : next_;
    if (index < 0 || index >= index_.frame_count()) continue;
    next_ = index + 1;
    return frame;
  }
  next_ = index_.frame_count();
  return nullptr;
}

// The number of key frames at or before that frame.
size_t VideoFile::keys_up_to(int index) const {
  const int64_t pts = index_.pts[static_cast<size_t>(std::min(index, index_.frame_count() - 1))];
  const auto after = std::upper_bound(index_.keys.begin(), index_.keys.end(), pts,
                                      [](int64_t p, const auto& key) { return p < key.pts; });
  return static_cast<size_t>(after - index_.keys.begin());
}

// Puts the decoder on the key frame before `index`, or on the one `earlier` before that; if there
// is none, on the start.
void VideoFile::go_to_key_before(int index, size_t earlier) {
  pending_.reset();
  const size_t keys = keys_up_to(index);
  if (keys > earlier + 1) {
    const VideoIndex::KeyFrame& key = index_.keys[keys - 1 - earlier];
    if (decoder_.seek(key.pts, key.dts)) {
      const auto at = std::lower_bound(index_.pts.begin(), index_.pts.end(), key.pts);
      next_ = run_start_ = static_cast<int>(at - index_.pts.begin());
      return;
    }
  }
  decoder_.restart();
  next_ = run_start_ = 0;
}

// Null if the frame cannot be decoded.
FramePtr VideoFile::decode(int index) {
  if (const auto found = passed_.find(index); found != passed_.end()) {
    FramePtr frame = std::move(found->second);
    passed_.erase(found);
    return frame;
  }
  passed_.clear();

  const bool backwards = last_asked_ >= 0 && index < last_asked_;
  const int at = pending_ ? pending_index_ : next_;
  if (index < at ||
      (index > at + kWorthASeek && keys_up_to(index) > keys_up_to(at + kWorthASeek))) {
    go_to_key_before(index, 0);
  }

  size_t passed_bytes = 0;
  for (;;) {
    int got = pending_index_;
    FramePtr frame = pending_ ? std::move(pending_) : next_in_order(got);
    if (frame && got == index) return frame;
    if (frame && got < index) {
      if (backwards) {  // it will be asked for soon
        passed_bytes += bytes_of(*frame);
        passed_.emplace(got, std::move(frame));
        while (passed_bytes > options_.kept_bytes && !passed_.empty()) {
          passed_bytes -= bytes_of(*passed_.begin()->second);
          passed_.erase(passed_.begin());
        }
      }
      continue;
    }
    if (frame) {
      pending_ = std::move(frame);
      pending_index_ = got;
    }
    // Not there. If decoding began at the key frame just before it, that may not have sufficed: a
    // recovery point, not a clean entry. Otherwise the frame is missing.
    if (run_start_ == 0 || keys_up_to(index) - keys_up_to(run_start_) > 0) return nullptr;
    passed_.clear();
    passed_bytes = 0;
    go_to_key_before(index, 1);
  }
}

int VideoFile::stand_in_for(int index) const {
  for (int i = index; i >= 0; --i) {
    if (!missing_[static_cast<size_t>(i)]) return i;
  }
  for (int i = index; i < index_.frame_count(); ++i) {
    if (!missing_[static_cast<size_t>(i)]) return i;
  }
  throw Error(ErrorKind::kInput, path_ + ": has no frame that can be decoded");
}

std::shared_ptr<const Image> VideoFile::frame(int index) {
  if (index < 0) {
    throw Error(ErrorKind::kInvalidArgument, path_ + ": frame " + std::to_string(index));
  }
  if (index >= index_.frame_count()) return nullptr;
  for (;;) {
    const int wanted = stand_in_for(index);
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [&](const Kept& kept) { return kept.index == wanted; });
    if (found != kept_.end()) {
      std::rotate(kept_.begin(), found, found + 1);
      last_asked_ = wanted;
      return kept_.front().image;
    }
    const FramePtr frame = decode(wanted);
    if (!frame) {
      missing_[static_cast<size_t>(wanted)] = true;
      if (!warned_) {
        warned_ = true;
        log(LogLevel::kWarning, path_ + ": frame " + std::to_string(wanted) +
                                    " cannot be decoded; another one stands in for it");
      }
      continue;
    }
    last_asked_ = wanted;
    kept_.push_front({wanted, std::make_shared<const Image>(converter_->convert(*frame))});
    while (kept_.size() > static_cast<size_t>(std::max(options_.kept_frames, 1))) kept_.pop_back();
    return kept_.front().image;
  }
}

}  // namespace alref::media
