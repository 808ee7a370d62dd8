// SPDX-License-Identifier: Apache-2.0
#include "media/video_writer.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#include "core/atomic_file.h"
#include "media/ffmpeg.h"
#include "media/sound_track.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace alref::media {
namespace {

constexpr AVRational kTimeBase{1, 90000};

struct Encoding {
  const char* container;
  std::vector<const char*> encoders;  // the best first
};

Encoding encoding_of(VideoKind kind) {
  switch (kind) {
    case VideoKind::kMp4:
      return {"mp4", {"libx264", "libopenh264", "mpeg4"}};
    case VideoKind::kWebmAlpha:
      return {"webm", {"libvpx-vp9"}};
    case VideoKind::kMovAlpha:
      return {"mov", {"png"}};
  }
  return {};
}

AVPixelFormat pixel_format(VideoKind kind, const AVCodec& codec, bool odd) {
  if (kind == VideoKind::kWebmAlpha) return AV_PIX_FMT_YUVA420P;
  if (kind == VideoKind::kMovAlpha) return AV_PIX_FMT_RGBA;
  // H.264's halved chroma needs even sizes.
  return odd && std::strcmp(codec.name, "libx264") == 0 ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P;
}

void close_output(AVFormatContext* output) {
  if (output == nullptr) return;
  avio_closep(&output->pb);
  avformat_free_context(output);
}

}  // namespace

class VideoWriter::Impl {
 public:
  Impl(const std::string& path, int width, int height, const VideoWriterOptions& options)
      : path_(path),
        width_(width),
        height_(height),
        options_(options),
        file_(path),
        output_(nullptr, close_output) {
    if (width < 1 || height < 1 || !(options.frame_rate > 0)) {
      throw Error(ErrorKind::kInvalidArgument,
                  path + ": a video of " + std::to_string(width) + " x " + std::to_string(height) +
                      " pixels and " + std::to_string(options.frame_rate) + " frames a second");
    }
    silence_ffmpeg();
    const Encoding encoding = encoding_of(options.kind);
    AVFormatContext* output = nullptr;
    if (avformat_alloc_output_context2(&output, nullptr, encoding.container, nullptr) < 0) {
      throw Error(ErrorKind::kUnavailable,
                  path + ": FFmpeg has no muxer for " + encoding.container);
    }
    output_.reset(output);
    output->flags |= AVFMT_FLAG_BITEXACT;  // the same input gives the same bytes
    open_encoder(encoding);
    stream_ = avformat_new_stream(output, nullptr);
    if (stream_ == nullptr ||
        avcodec_parameters_from_context(stream_->codecpar, encoder_.get()) < 0)
      throw std::bad_alloc();
    stream_->time_base = kTimeBase;
    stream_->avg_frame_rate = encoder_->framerate;
    if (!options.sound.empty()) sound_ = SoundTrack::open(options.sound, *output);

    const std::string url = "file:" + file_.temporary_path();
    output->url = av_strdup(url.c_str());
    check(avio_open(&output->pb, url.c_str(), AVIO_FLAG_WRITE));
    AVDictionary* muxer_options = nullptr;
    if (options.kind != VideoKind::kWebmAlpha)
      av_dict_set(&muxer_options, "movflags", "+faststart", 0);
    const int code = avformat_write_header(output, &muxer_options);
    av_dict_free(&muxer_options);
    check(code);
  }

  void write(const uint8_t* pixels, AVPixelFormat format, int channels, int width, int height,
             double seconds) {
    if (width != width_ || height != height_) {
      throw Error(ErrorKind::kInvalidArgument, path_ + ": a frame of " + std::to_string(width) +
                                                   " x " + std::to_string(height) +
                                                   " pixels, expected " + std::to_string(width_) +
                                                   " x " + std::to_string(height_));
    }
    const int64_t pts = std::llround(seconds / av_q2d(kTimeBase));
    if (frames_ > 0 && pts <= last_pts_) {
      throw Error(ErrorKind::kInvalidArgument, path_ + ": frame " + std::to_string(frames_) +
                                                   " is shown at " + std::to_string(seconds) +
                                                   " s, not after the one before");
    }
    if (frames_ > 0) frame_ticks_ = pts - last_pts_;
    last_pts_ = pts;
    ++frames_;
    encode(converted(pixels, format, channels, pts).get());
    if (sound_) check(sound_->write_until(seconds, *output_));
  }

  void finish() {
    encode(nullptr);
    if (sound_) {
      check(sound_->write_until(static_cast<double>(last_pts_ + frame_ticks_) * av_q2d(kTimeBase),
                                *output_));
      check(sound_->finish(*output_));
    }
    check(av_write_trailer(output_.get()));
    avio_flush(output_->pb);
    check(output_->pb->error);
    check(avio_closep(&output_->pb));
    output_.reset();
    file_.commit();
  }

 private:
  void check(int code) const {
    if (code < 0)
      throw Error(ErrorKind::kOutput, path_ + ": cannot be written: " + ffmpeg_error(code));
  }

  void open_encoder(const Encoding& encoding) {
    std::string tried;
    for (const char* name : encoding.encoders) {
      tried += std::string(tried.empty() ? "" : ", ") + name;
      const AVCodec* codec = avcodec_find_encoder_by_name(name);
      if (codec == nullptr) continue;
      encoder_.reset(avcodec_alloc_context3(codec));
      if (!encoder_) throw std::bad_alloc();
      encoder_->width = width_;
      encoder_->height = height_;
      encoder_->time_base = kTimeBase;
      encoder_->framerate = av_d2q(options_.frame_rate, 1'000'000);
      encoder_->pix_fmt = pixel_format(options_.kind, *codec, width_ % 2 != 0 || height_ % 2 != 0);
      encoder_->thread_count = options_.threads;
      encoder_->flags |= AV_CODEC_FLAG_BITEXACT;
      if (output_->oformat->flags & AVFMT_GLOBALHEADER)
        encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
      if (options_.kind != VideoKind::kMovAlpha) {
        encoder_->colorspace = AVCOL_SPC_BT709;
        encoder_->color_primaries = AVCOL_PRI_BT709;
        encoder_->color_trc = AVCOL_TRC_BT709;
        encoder_->color_range = AVCOL_RANGE_MPEG;
      }
      set_quality(name);
      if (avcodec_open2(encoder_.get(), codec, nullptr) >= 0) {
        frame_ticks_ =
            std::max<int64_t>(1, std::llround(1 / (options_.frame_rate * av_q2d(kTimeBase))));
        return;
      }
    }
    throw Error(
        ErrorKind::kUnavailable,
        path_ + ": FFmpeg has no working encoder for this kind of video (tried " + tried + ")");
  }

  // Options that an encoder lacks are not set: av_opt_set then says so by its code, which is of no
  // interest.
  void set_quality(const std::string& name) {
    void* own = encoder_->priv_data;
    if (name == "mpeg4") {
      encoder_->flags |= AV_CODEC_FLAG_QSCALE;
      encoder_->global_quality = 3 * FF_QP2LAMBDA;
      encoder_->time_base = {1, 60000};  // its clock has 16 bits
      return;
    }
    av_opt_set_int(own, "crf", options_.quality, 0);
    av_opt_set(own, "preset", "superfast", 0);  // veryfast: a sixth more time, a ninth fewer bytes
    // x264's macroblock tree reads memory that nobody has written (seen with x264 164 of Debian
    // 12): the same frames would give other bytes from run to run.
    av_opt_set_int(own, "mbtree", 0, 0);
    av_opt_set(own, "deadline", "good", 0);
    av_opt_set_int(own, "cpu-used", 5, 0);
    av_opt_set_int(own, "row-mt", 1, 0);
    if (name == "libopenh264") encoder_->bit_rate = int64_t{width_} * height_ * 4;
  }

  FramePtr converted(const uint8_t* pixels, AVPixelFormat format, int channels, int64_t pts) {
    // libswscale reads past the end of rows that are not padded.
    if (!source_ || source_->format != format) {
      source_ = make_frame();
      source_->format = format;
      source_->width = width_;
      source_->height = height_;
      if (av_frame_get_buffer(source_.get(), 0) < 0) throw std::bad_alloc();
    }
    const size_t row = static_cast<size_t>(width_) * static_cast<size_t>(channels);
    for (int y = 0; y < height_; ++y) {
      std::memcpy(source_->data[0] + static_cast<ptrdiff_t>(y) * source_->linesize[0],
                  pixels + static_cast<size_t>(y) * row, row);
    }
    FramePtr frame = make_frame();
    frame->format = encoder_->pix_fmt;
    frame->width = width_;
    frame->height = height_;
    frame->color_range = encoder_->color_range;
    frame->colorspace = encoder_->colorspace;
    if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
    SwsContext* const before = scaler_.get();
    scaler_.reset(sws_getCachedContext(scaler_.release(), width_, height_, format, width_, height_,
                                       encoder_->pix_fmt, SWS_BICUBIC, nullptr, nullptr, nullptr));
    if (!scaler_) throw std::bad_alloc();
    if (scaler_.get() != before) {
      sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(SWS_CS_DEFAULT), 1,
                               sws_getCoefficients(SWS_CS_ITU709), 0, 0, 1 << 16, 1 << 16);
    }
    sws_scale(scaler_.get(), source_->data, source_->linesize, 0, height_, frame->data,
              frame->linesize);
    frame->pts = av_rescale_q(pts, kTimeBase, encoder_->time_base);
    return frame;
  }

  void encode(const AVFrame* frame) {
    check(avcodec_send_frame(encoder_.get(), frame));
    for (;;) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      check(code);
      packet_->stream_index = stream_->index;
      av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
      if (packet_->duration == 0)
        packet_->duration = av_rescale_q(frame_ticks_, kTimeBase, stream_->time_base);
      check(av_interleaved_write_frame(output_.get(), packet_.get()));
    }
  }

  std::string path_;
  int width_;
  int height_;
  VideoWriterOptions options_;
  AtomicFile file_;
  std::unique_ptr<AVFormatContext, void (*)(AVFormatContext*)> output_;
  CodecPtr encoder_;
  AVStream* stream_ = nullptr;
  std::unique_ptr<SoundTrack> sound_;
  SwsPtr scaler_;
  FramePtr source_;
  PacketPtr packet_ = make_packet();
  int64_t frames_ = 0;
  int64_t last_pts_ = 0;
  int64_t frame_ticks_ = 0;  ///< of the last frame: as long as the one before
};

bool can_write(VideoKind kind) {
  const std::vector<const char*> names = encoding_of(kind).encoders;
  return std::any_of(names.begin(), names.end(), [](const char* name) {
    return avcodec_find_encoder_by_name(name) != nullptr;
  });
}

VideoWriter::VideoWriter(const std::string& path, int width, int height,
                         const VideoWriterOptions& options)
    : impl_(std::make_unique<Impl>(path, width, height, options)) {}
VideoWriter::~VideoWriter() = default;

void VideoWriter::write(const Image& image, double seconds) {
  impl_->write(image.pixels.data(), AV_PIX_FMT_RGB24, 3, image.width, image.height, seconds);
}

void VideoWriter::write(const RgbaImage& image, double seconds) {
  impl_->write(image.pixels.data(), AV_PIX_FMT_RGBA, 4, image.width, image.height, seconds);
}

void VideoWriter::finish() { impl_->finish(); }

}  // namespace alref::media
