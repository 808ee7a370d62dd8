// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

// FFmpeg's objects with owners, and the one way in which this library opens media. Internal to
// src/media.
namespace alref::media {

struct AvDeleter {
  void operator()(AVFormatContext* p) const;  ///< of an input; closes the file under it too
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(SwsContext* p) const { sws_freeContext(p); }
  void operator()(SwrContext* p) const { swr_free(&p); }
};

using InputPtr = std::unique_ptr<AVFormatContext, AvDeleter>;
using CodecPtr = std::unique_ptr<AVCodecContext, AvDeleter>;
using FramePtr = std::unique_ptr<AVFrame, AvDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, AvDeleter>;
using SwsPtr = std::unique_ptr<SwsContext, AvDeleter>;
using SwrPtr = std::unique_ptr<SwrContext, AvDeleter>;

FramePtr make_frame();    ///< throws std::bad_alloc
PacketPtr make_packet();  ///< throws std::bad_alloc

/// FFmpeg prints by default; a library must not. To be called before anything else of FFmpeg's.
void silence_ffmpeg();

/// FFmpeg's words for an error code.
std::string ffmpeg_error(int code);

/// How a path is called in messages: "-" is "standard input".
std::string shown_path(const std::string& path);

/// Opens a local file, or standard input for "-", and finds its tracks. The path is taken
/// literally, never as a URL; what the file refers to (playlist entries, external tracks) is not
/// opened. Images and video frames of more than `max_pixels` are not decoded. Throws Error(kInput).
InputPtr open_input(const std::string& path, int64_t max_pixels);

/// Whether the input can be read again from anywhere (a file, not a pipe).
bool is_seekable(const AVFormatContext& input);

/// A decoder of one of the input's tracks. Throws Error(kInput) where FFmpeg has none; `path` is
/// for the message.
CodecPtr open_decoder(const AVStream& stream, const std::string& path, int threads,
                      int64_t max_pixels);

/// The first track of that kind, the one marked as default before others; cover pictures are no
/// video. -1 if none.
int find_track(const AVFormatContext& input, AVMediaType kind);

}  // namespace alref::media
