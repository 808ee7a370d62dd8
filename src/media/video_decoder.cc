// SPDX-License-Identifier: Apache-2.0
#include "media/video_decoder.h"

#include "alref/error.h"

#include <algorithm>

namespace alref::media {

VideoDecoder::VideoDecoder(const std::string& path, const VideoOptions& options)
    : path_(path), options_(options) {
  open();
}

void VideoDecoder::open() {
  codec_.reset();
  input_ = open_input(path_, options_.max_pixels);
  track_ = find_track(*input_, AVMEDIA_TYPE_VIDEO);
  if (track_ < 0) {
    const bool sound = find_track(*input_, AVMEDIA_TYPE_AUDIO) >= 0;
    throw Error(ErrorKind::kInput,
                shown_path(path_) + ": has no video track" + (sound ? ", only sound" : ""));
  }
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    if (static_cast<int>(i) != track_) input_->streams[i]->discard = AVDISCARD_ALL;
  }
  check_size(track().codecpar->width, track().codecpar->height);
  codec_ = open_decoder(track(), path_, options_.threads, options_.max_pixels);
  draining_ = false;
  read_error_ = 0;
}

void VideoDecoder::check_size(int width, int height) const {
  if (int64_t{width} * height <= options_.max_pixels) return;
  throw Error(ErrorKind::kInput, shown_path(path_) + ": frames of " + std::to_string(width) +
                                     " x " + std::to_string(height) + " pixels, at most " +
                                     std::to_string(options_.max_pixels) + " are allowed");
}

void VideoDecoder::restart() { open(); }

bool VideoDecoder::next_packet(AVPacket& packet) {
  for (;;) {
    av_packet_unref(&packet);
    const int code = av_read_frame(input_.get(), &packet);
    if (code == AVERROR(EAGAIN)) continue;
    if (code < 0) {
      if (code != AVERROR_EOF) read_error_ = code;
      if (code == AVERROR_EOF && input_->pb != nullptr && input_->pb->error < 0) {
        read_error_ = input_->pb->error;
      }
      return false;
    }
    // A packet that the end of a broken file cuts through would decode to a half-grey frame.
    if (packet.stream_index == track_ && (packet.flags & AV_PKT_FLAG_CORRUPT) == 0) return true;
  }
}

bool VideoDecoder::send_next_packet() {
  if (!next_packet(*packet_)) return false;
  send_packet();
  return true;
}

void VideoDecoder::send_packet() {
  // EAGAIN cannot occur: the decoder was asked for all its frames before.
  if (avcodec_send_packet(codec_.get(), packet_.get()) < 0) ++bad_packets_;
  av_packet_unref(packet_.get());
}

FramePtr VideoDecoder::next() {
  for (;;) {
    const int code = avcodec_receive_frame(codec_.get(), frame_.get());
    if (code >= 0) {
      check_size(frame_->width, frame_->height);
      FramePtr frame = make_frame();
      av_frame_move_ref(frame.get(), frame_.get());
      return frame;
    }
    if (code == AVERROR_EOF) return nullptr;
    if (code != AVERROR(EAGAIN)) {
      ++bad_packets_;
      if (draining_) continue;
    }
    if (!draining_ && !send_next_packet()) {
      draining_ = true;
      avcodec_send_packet(codec_.get(), nullptr);
    }
  }
}

bool VideoDecoder::seek(int64_t key_pts, int64_t key_dts) {
  const int64_t to = key_dts != AV_NOPTS_VALUE ? std::min(key_dts, key_pts) : key_pts;
  if (avformat_seek_file(input_.get(), track_, INT64_MIN, to, to, 0) < 0) return false;
  avcodec_flush_buffers(codec_.get());
  draining_ = false;
  read_error_ = 0;

  while (next_packet(*packet_)) {
    if (packet_->pts == key_pts && (packet_->flags & AV_PKT_FLAG_KEY) != 0) {
      send_packet();
      return true;
    }
    if (packet_->dts != AV_NOPTS_VALUE && key_dts != AV_NOPTS_VALUE && packet_->dts > key_dts) {
      return false;  // the demuxer landed behind it
    }
  }
  return false;
}

}  // namespace alref::media
