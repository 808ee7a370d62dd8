// SPDX-License-Identifier: Apache-2.0
#include "media/ffmpeg.h"

#include "alref/error.h"

#include <mutex>
#include <new>
#include <vector>

extern "C" {
#include <libavutil/avstring.h>
#include <libavutil/dict.h>
#include <libavutil/log.h>
}

namespace alref::media {
namespace {

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

// Formats that consist of references to other files, run scripts, or draw any text file as a
// picture.
bool is_refused(const AVInputFormat& format) {
  for (const char* name : {"applehttp", "avisynth", "concat", "dash", "hls", "imf", "rtp", "rtsp",
                           "sdp", "tty", "vapoursynth", "webm_dash_manifest"}) {
    if (av_match_name(name, format.name)) return true;
  }
  return false;
}

// Frame buffers are a little larger than frames; the exact limit is checked on the frames' own
// size.
int64_t decoder_limit(int64_t max_pixels) { return 2 * max_pixels + (1 << 16); }

}  // namespace

void AvDeleter::operator()(AVFormatContext* p) const {
  AVIOContext* io = p->pb;
  avformat_close_input(&p);
  avio_closep(&io);
}

void silence_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

FramePtr make_frame() {
  FramePtr frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  return frame;
}

PacketPtr make_packet() {
  PacketPtr packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  return packet;
}

std::string ffmpeg_error(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

std::string shown_path(const std::string& path) { return path == "-" ? "standard input" : path; }

InputPtr open_input(const std::string& path, int64_t max_pixels) {
  silence_ffmpeg();
  const auto fail = [&](int code) {
    throw Error(ErrorKind::kInput, shown_path(path) + ": cannot be read: " + ffmpeg_error(code));
  };

  const std::string url = path == "-" ? "pipe:0" : "file:" + path;
  AVIOContext* io = nullptr;
  AVDictionary* io_options = nullptr;
  av_dict_set(&io_options, "protocol_whitelist", "file,pipe", 0);
  int code = avio_open2(&io, url.c_str(), AVIO_FLAG_READ, nullptr, &io_options);
  av_dict_free(&io_options);
  if (code < 0) fail(code);

  const AVInputFormat* format = nullptr;
  code = av_probe_input_buffer2(io, &format, path.c_str(), nullptr, 0, 0);
  if (code >= 0 && is_refused(*format)) {
    avio_closep(&io);
    throw Error(
        ErrorKind::kInput,
        shown_path(path) + ": is no video or sound itself, but of the kind '" + format->name + "'");
  }
  if (code < 0) {
    avio_closep(&io);
    fail(code);
  }

  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) {
    avio_closep(&io);
    throw std::bad_alloc();
  }
  context->pb = io;
  context->io_open = refuse_to_open;  // playlists, references to other files
  code = avformat_open_input(&context, path == "-" ? "" : path.c_str(), format, nullptr);
  if (code < 0) {  // has freed the context, but not what is under it
    avio_closep(&io);
    fail(code);
  }
  InputPtr input(context);

  // Finding out about the tracks decodes their first frames, which may be huge pictures.
  std::vector<AVDictionary*> limits(input->nb_streams, nullptr);
  for (AVDictionary*& limit : limits) {
    av_dict_set_int(&limit, "max_pixels", decoder_limit(max_pixels), 0);
  }
  code = avformat_find_stream_info(input.get(), limits.data());
  for (AVDictionary*& limit : limits) av_dict_free(&limit);
  if (code < 0) fail(code);
  return input;
}

bool is_seekable(const AVFormatContext& input) {
  return input.pb != nullptr && (input.pb->seekable & AVIO_SEEKABLE_NORMAL) != 0;
}

CodecPtr open_decoder(const AVStream& stream, const std::string& path, int threads,
                      int64_t max_pixels) {
  const std::string kind = stream.codecpar->codec_type == AVMEDIA_TYPE_AUDIO ? "sound" : "video";
  const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
  if (codec == nullptr) {
    throw Error(ErrorKind::kInput, shown_path(path) + ": no decoder for its " + kind + " codec '" +
                                       avcodec_get_name(stream.codecpar->codec_id) + "'");
  }
  CodecPtr decoder(avcodec_alloc_context3(codec));
  if (!decoder) throw std::bad_alloc();
  int code = avcodec_parameters_to_context(decoder.get(), stream.codecpar);
  if (code >= 0) {
    decoder->pkt_timebase = stream.time_base;
    decoder->thread_count = threads;
    decoder->max_pixels = decoder_limit(max_pixels);
    code = avcodec_open2(decoder.get(), codec, nullptr);
  }
  if (code < 0) {
    throw Error(ErrorKind::kInput, shown_path(path) + ": its " + kind + " codec '" + codec->name +
                                       "' cannot be set up: " + ffmpeg_error(code));
  }
  return decoder;
}

int find_track(const AVFormatContext& input, AVMediaType kind) {
  int found = -1;
  for (unsigned i = 0; i < input.nb_streams; ++i) {
    const AVStream& stream = *input.streams[i];
    if (stream.codecpar->codec_type != kind) continue;
    if (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
    if (stream.disposition & AV_DISPOSITION_DEFAULT) return static_cast<int>(i);
    if (found < 0) found = static_cast<int>(i);
  }
  return found;
}

}  // namespace alref::media
