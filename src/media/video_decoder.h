// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "media/ffmpeg.h"
#include "media/video_reader.h"

namespace alref::media {

/// One video track, demuxed and decoded in presentation order.
class VideoDecoder {
 public:
  /// Throws Error(kInput): unreadable, no video track, no decoder.
  VideoDecoder(const std::string& path, const VideoOptions& options);

  const AVFormatContext& input() const { return *input_; }
  const AVStream& track() const { return *input_->streams[track_]; }

  /// The next packet of the track, not decoded; false at the end. Not to be mixed with next()
  /// without a restart().
  bool next_packet(AVPacket& packet);
  /// The next decoded frame; null at the end. Packets that cannot be decoded are left out and
  /// counted.
  FramePtr next();

  /// Goes on with the key frame of these timestamps; false if it could not be found there (then
  /// restart() helps).
  bool seek(int64_t key_pts, int64_t key_dts);
  /// Goes back to the start. Throws Error(kInput) if the file cannot be opened again.
  void restart();

  /// FFmpeg's code for what ended reading before the end of the file, or 0.
  int read_error() const { return read_error_; }
  int bad_packets() const { return bad_packets_; }

 private:
  void open();
  void check_size(int width, int height) const;
  bool send_next_packet();
  void send_packet();

  std::string path_;
  VideoOptions options_;
  InputPtr input_;
  CodecPtr codec_;
  PacketPtr packet_ = make_packet();
  FramePtr frame_ = make_frame();
  int track_ = -1;
  bool draining_ = false;
  int read_error_ = 0;
  int bad_packets_ = 0;
};

}  // namespace alref::media
