// SPDX-License-Identifier: Apache-2.0
#include "media/video_index.h"

#include "alref/error.h"

#include <algorithm>
#include <memory>
#include <new>

#include "core/log.h"

namespace alref::media {
namespace {

// Codecs of which a packet is a frame and whose key frames are marked as such: only these can be
// indexed by their packets and entered in the middle. All others are decoded from the start.
bool has_plain_packets(AVCodecID codec) {
  switch (codec) {
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_DNXHD:
    case AV_CODEC_ID_FFV1:
    case AV_CODEC_ID_FFVHUFF:
    case AV_CODEC_ID_H263:
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_HUFFYUV:
    case AV_CODEC_ID_MJPEG:
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_PNG:
    case AV_CODEC_ID_PRORES:
    case AV_CODEC_ID_QTRLE:
    case AV_CODEC_ID_RAWVIDEO:
    case AV_CODEC_ID_UTVIDEO:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
      return true;
    default:
      return false;
  }
}

// VP8 keeps reference pictures that are never shown in packets of their own (RFC 6386, section 9.1:
// show_frame).
bool is_shown(const AVPacket& packet, AVCodecID codec) {
  if (packet.flags & AV_PKT_FLAG_DISCARD) return false;  // cut away by the container's edit list
  return codec != AV_CODEC_ID_VP8 || packet.size < 1 || (packet.data[0] & 0x10) != 0;
}

// Packets of H.264 are marked as key frames, too, where a gradual refresh begins (a camera's
// low-latency stream): entered there, frames would differ from those of a sequential decode. Only
// all-intra pictures will do.
class EntryCheck {
 public:
  explicit EntryCheck(const AVStream& track) {
    if (track.codecpar->codec_id != AV_CODEC_ID_H264) return;
    parser_.reset(av_parser_init(AV_CODEC_ID_H264));
    context_.reset(avcodec_alloc_context3(nullptr));
    if (!parser_ || !context_) throw std::bad_alloc();
    parser_->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    avcodec_parameters_to_context(context_.get(), track.codecpar);
  }

  bool operator()(const AVPacket& packet) {
    if (!parser_) return true;
    uint8_t* data = nullptr;
    int size = 0;
    av_parser_parse2(parser_.get(), context_.get(), &data, &size, packet.data, packet.size,
                     packet.pts, packet.dts, packet.pos);
    return parser_->pict_type == AV_PICTURE_TYPE_I;
  }

 private:
  struct Close {
    void operator()(AVCodecParserContext* p) const { av_parser_close(p); }
  };
  std::unique_ptr<AVCodecParserContext, Close> parser_;
  CodecPtr context_;
};

void check_limits(int64_t frames, double seconds, const std::string& path,
                  const VideoOptions& options) {
  if (frames > options.max_frames) {
    throw Error(ErrorKind::kInput, path + ": more than the " + std::to_string(options.max_frames) +
                                       " frames that are allowed");
  }
  if (seconds > options.max_seconds) {
    throw Error(ErrorKind::kInput, path + ": longer than the " +
                                       std::to_string(static_cast<int64_t>(options.max_seconds)) +
                                       " seconds that are allowed");
  }
}

double seconds_between(const AVStream& track, int64_t first, int64_t last) {
  return (static_cast<double>(last) - static_cast<double>(first)) * av_q2d(track.time_base);
}

// Lists the packets; whether they name the frames one by one is in `usable`.
VideoIndex index_packets(VideoDecoder& decoder, const std::string& path,
                         const VideoOptions& options, bool& usable) {
  const AVCodecID codec = decoder.track().codecpar->codec_id;
  VideoIndex index;
  index.timed = true;
  usable = has_plain_packets(codec);
  EntryCheck can_enter(decoder.track());
  const PacketPtr packet = make_packet();
  while (decoder.next_packet(*packet)) {
    ++index.packets;
    const bool timed = packet->pts != AV_NOPTS_VALUE;
    if (timed && (packet->flags & AV_PKT_FLAG_KEY) && can_enter(*packet)) {
      index.keys.push_back({packet->pts, packet->dts});
    }
    if (!is_shown(*packet, codec)) continue;
    usable = usable && timed;
    index.pts.push_back(packet->pts);
    check_limits(index.frame_count(), 0, path, options);
  }
  std::sort(index.pts.begin(), index.pts.end());
  std::sort(index.keys.begin(), index.keys.end(),
            [](const auto& a, const auto& b) { return a.pts < b.pts; });
  usable = usable && !index.pts.empty() && !index.keys.empty() &&
           std::adjacent_find(index.pts.begin(), index.pts.end()) == index.pts.end() &&
           // Frames shown before the first key frame lean on pictures that are not in the file.
           index.pts.front() >= index.keys.front().pts;
  if (usable) {
    check_limits(0, seconds_between(decoder.track(), index.pts.front(), index.pts.back()), path,
                 options);
  }
  return index;
}

// Lists the frames that come out of the decoder; `packets` knows the key frames.
VideoIndex index_frames(VideoDecoder& decoder, const VideoIndex& packets, const std::string& path,
                        const VideoOptions& options) {
  decoder.restart();
  VideoIndex index;
  index.packets = packets.packets;
  index.timed = has_plain_packets(decoder.track().codecpar->codec_id) && !packets.keys.empty();
  while (const FramePtr frame = decoder.next()) {
    index.timed = index.timed && frame->pts != AV_NOPTS_VALUE &&
                  (index.pts.empty() || frame->pts > index.pts.back());
    index.pts.push_back(frame->pts);
    check_limits(index.frame_count(),
                 index.timed ? seconds_between(decoder.track(), index.pts.front(), frame->pts) : 0,
                 path, options);
  }
  if (index.timed) {
    index.keys = packets.keys;
  } else {
    for (int i = 0; i < index.frame_count(); ++i) index.pts[static_cast<size_t>(i)] = i;
  }
  return index;
}

void warn_if_cut_off(const VideoDecoder& decoder, const VideoIndex& index,
                     const std::string& path) {
  const AVStream& track = decoder.track();
  const std::string frames = std::to_string(index.frame_count());
  if (decoder.read_error() != 0) {
    log(LogLevel::kWarning, path + ": reading ended after " + frames +
                                " frames: " + ffmpeg_error(decoder.read_error()));
  } else if (track.nb_frames > index.packets) {
    log(LogLevel::kWarning, path + ": is cut off: " + frames + " of " +
                                std::to_string(track.nb_frames) + " frames can be read");
  } else if (index.timed && decoder.input().duration > 0) {
    const double declared = static_cast<double>(decoder.input().duration) / AV_TIME_BASE;
    const double start = decoder.input().start_time == AV_NOPTS_VALUE
                             ? 0
                             : static_cast<double>(decoder.input().start_time) / AV_TIME_BASE;
    const double end = static_cast<double>(index.pts.back()) * av_q2d(track.time_base) - start;
    // Sound may outlast the picture a little, and a last frame may stand for long; half a file is
    // another matter.
    if (end < declared / 2 && declared - end > 2) {
      log(LogLevel::kWarning, path + ": may be cut off: its " + frames + " frames end after " +
                                  std::to_string(end) + " of " + std::to_string(declared) +
                                  " seconds");
    }
  }
}

}  // namespace

int VideoIndex::find(int64_t timestamp) const {
  const auto at = std::lower_bound(pts.begin(), pts.end(), timestamp);
  return at != pts.end() && *at == timestamp ? static_cast<int>(at - pts.begin()) : -1;
}

VideoIndex make_video_index(VideoDecoder& decoder, const std::string& path,
                            const VideoOptions& options) {
  bool usable = false;
  VideoIndex index = index_packets(decoder, path, options, usable);
  if (!usable) index = index_frames(decoder, index, path, options);
  if (index.pts.empty()) {
    throw Error(ErrorKind::kInput, path + ": has no frame that can be decoded");
  }
  warn_if_cut_off(decoder, index, path);
  return index;
}

}  // namespace alref::media
