// SPDX-License-Identifier: Apache-2.0
#include "media/sound_track.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "core/log.h"
#include "media/image_io.h"

extern "C" {
#include <libavutil/channel_layout.h>
}

namespace alref::media {
namespace {

constexpr int64_t kBitRate = 160000;
constexpr int kUsualRate = 48000;

double start_of(const AVFormatContext& input) {
  return input.start_time == AV_NOPTS_VALUE ? 0
                                            : static_cast<double>(input.start_time) / AV_TIME_BASE;
}

int supported_rate(const AVCodec& codec, int wanted) {
  if (codec.supported_samplerates == nullptr) return wanted;
  for (const int* rate = codec.supported_samplerates; *rate != 0; ++rate) {
    if (*rate == wanted) return wanted;
  }
  return kUsualRate;
}

}  // namespace

SoundTrack::~SoundTrack() { av_audio_fifo_free(fifo_); }

std::unique_ptr<SoundTrack> SoundTrack::open(const std::string& path, AVFormatContext& output) {
  std::unique_ptr<SoundTrack> sound(new SoundTrack);
  sound->path_ = path;
  sound->input_ = open_input(path, kMaxPixels);
  sound->track_ = find_track(*sound->input_, AVMEDIA_TYPE_AUDIO);
  if (sound->track_ < 0) return nullptr;
  for (unsigned i = 0; i < sound->input_->nb_streams; ++i) {
    if (static_cast<int>(i) != sound->track_) sound->input_->streams[i]->discard = AVDISCARD_ALL;
  }
  if (sound->set_up_copy(output) || sound->set_up_encoder(output)) return sound;
  log(LogLevel::kWarning, path + ": its sound cannot be written to the video and is left out");
  return nullptr;
}

bool SoundTrack::set_up_copy(AVFormatContext& output) {
  const AVCodecParameters& parameters = *input_->streams[track_]->codecpar;
  // What players take in MP4; the muxer itself takes more.
  const bool common =
      parameters.codec_id == AV_CODEC_ID_AAC || parameters.codec_id == AV_CODEC_ID_MP3 ||
      parameters.codec_id == AV_CODEC_ID_OPUS || parameters.codec_id == AV_CODEC_ID_VORBIS ||
      parameters.codec_id == AV_CODEC_ID_AC3;
  if (!common ||
      avformat_query_codec(output.oformat, parameters.codec_id, FF_COMPLIANCE_NORMAL) != 1)
    return false;
  stream_ = avformat_new_stream(&output, nullptr);
  if (stream_ == nullptr || avcodec_parameters_copy(stream_->codecpar, &parameters) < 0)
    throw std::bad_alloc();
  stream_->codecpar->codec_tag = 0;
  stream_->time_base = input_->streams[track_]->time_base;
  return true;
}

bool SoundTrack::set_up_encoder(AVFormatContext& output) {
  const AVCodec* codec = avcodec_find_encoder(output.oformat->audio_codec);
  for (const char* name : {"aac", "libopus"}) {
    if (codec != nullptr) break;
    const AVCodec* other = avcodec_find_encoder_by_name(name);
    if (other != nullptr &&
        avformat_query_codec(output.oformat, other->id, FF_COMPLIANCE_NORMAL) == 1)
      codec = other;
  }
  const AVStream& source = *input_->streams[track_];
  if (codec == nullptr || avcodec_find_decoder(source.codecpar->codec_id) == nullptr) return false;
  decoder_ = open_decoder(source, path_, 1, kMaxPixels);
  encoder_.reset(avcodec_alloc_context3(codec));
  if (!encoder_) throw std::bad_alloc();
  av_channel_layout_default(&encoder_->ch_layout,
                            std::min(source.codecpar->ch_layout.nb_channels, 2));
  encoder_->sample_rate = supported_rate(*codec, source.codecpar->sample_rate);
  encoder_->sample_fmt = codec->sample_fmts != nullptr ? codec->sample_fmts[0] : AV_SAMPLE_FMT_FLTP;
  encoder_->bit_rate = kBitRate;
  encoder_->time_base = {1, encoder_->sample_rate};
  encoder_->flags |= AV_CODEC_FLAG_BITEXACT;
  if (output.oformat->flags & AVFMT_GLOBALHEADER) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (avcodec_open2(encoder_.get(), codec, nullptr) < 0) return false;
  fifo_ = av_audio_fifo_alloc(encoder_->sample_fmt, encoder_->ch_layout.nb_channels, 1);
  stream_ = avformat_new_stream(&output, nullptr);
  if (fifo_ == nullptr || stream_ == nullptr ||
      avcodec_parameters_from_context(stream_->codecpar, encoder_.get()) < 0) {
    throw std::bad_alloc();
  }
  stream_->time_base = encoder_->time_base;
  return true;
}

bool SoundTrack::read_packet() {
  while (!have_packet_ && !ended_) {
    av_packet_unref(packet_.get());
    const int code = av_read_frame(input_.get(), packet_.get());
    if (code == AVERROR(EAGAIN)) continue;
    if (code < 0) ended_ = true;
    have_packet_ = code >= 0 && packet_->stream_index == track_;
  }
  return have_packet_;
}

int SoundTrack::write_until(double seconds, AVFormatContext& output) {
  const AVRational base = input_->streams[track_]->time_base;
  const auto start = static_cast<int64_t>(std::llround(start_of(*input_) / av_q2d(base)));
  while (read_packet()) {
    const int64_t at = packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts;
    if (at != AV_NOPTS_VALUE && static_cast<double>(at - start) * av_q2d(base) >= seconds) return 0;
    have_packet_ = false;
    int code = 0;
    if (encoder_) {
      decode_packet();
      code = encode(output, false);
    } else if (at != AV_NOPTS_VALUE) {
      if (packet_->pts != AV_NOPTS_VALUE) packet_->pts -= start;
      if (packet_->dts != AV_NOPTS_VALUE) packet_->dts -= start;
      packet_->stream_index = stream_->index;
      packet_->pos = -1;
      av_packet_rescale_ts(packet_.get(), base, stream_->time_base);
      code = av_interleaved_write_frame(&output, packet_.get());
    }
    if (code < 0) return code;
  }
  return 0;
}

void SoundTrack::decode_packet() {
  if (avcodec_send_packet(decoder_.get(), packet_.get()) < 0)
    return;  // damaged: a short silence at worst
  const FramePtr frame = make_frame();
  while (avcodec_receive_frame(decoder_.get(), frame.get()) >= 0) {
    if (!placed_ && frame->best_effort_timestamp != AV_NOPTS_VALUE) {
      const double at = static_cast<double>(frame->best_effort_timestamp) *
                            av_q2d(input_->streams[track_]->time_base) -
                        start_of(*input_);
      next_sample_ = std::llround(at * encoder_->sample_rate);
      placed_ = true;
    }
    resample(frame.get());
    av_frame_unref(frame.get());
  }
}

void SoundTrack::resample(AVFrame* frame) {
  if (frame != nullptr && frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&frame->ch_layout, frame->ch_layout.nb_channels);
  }
  if (!resampler_) {
    if (frame == nullptr) return;
    SwrContext* context = nullptr;
    const int code = swr_alloc_set_opts2(&context, &encoder_->ch_layout, encoder_->sample_fmt,
                                         encoder_->sample_rate, &frame->ch_layout,
                                         static_cast<AVSampleFormat>(frame->format),
                                         frame->sample_rate, 0, nullptr);
    resampler_.reset(context);
    if (code < 0 || swr_init(context) < 0) {
      resampler_.reset();
      return;
    }
  }
  const FramePtr out = make_frame();
  out->format = encoder_->sample_fmt;
  out->sample_rate = encoder_->sample_rate;
  if (av_channel_layout_copy(&out->ch_layout, &encoder_->ch_layout) < 0) throw std::bad_alloc();
  // A frame that differs from the first one in rate or channels is left out: libswresample says so
  // by its code.
  if (swr_convert_frame(resampler_.get(), out.get(), frame) < 0 || out->nb_samples <= 0) return;
  if (av_audio_fifo_write(fifo_, reinterpret_cast<void**>(out->extended_data), out->nb_samples) < 0)
    throw std::bad_alloc();
}

int SoundTrack::encode(AVFormatContext& output, bool all) {
  const int whole = encoder_->frame_size > 0 ? encoder_->frame_size : 1024;
  while (av_audio_fifo_size(fifo_) >= whole || (all && av_audio_fifo_size(fifo_) > 0)) {
    const FramePtr frame = make_frame();
    frame->nb_samples = std::min(whole, av_audio_fifo_size(fifo_));
    frame->format = encoder_->sample_fmt;
    frame->sample_rate = encoder_->sample_rate;
    if (av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout) < 0 ||
        av_frame_get_buffer(frame.get(), 0) < 0 ||
        av_audio_fifo_read(fifo_, reinterpret_cast<void**>(frame->extended_data),
                           frame->nb_samples) < 0) {
      throw std::bad_alloc();
    }
    frame->pts = next_sample_;
    next_sample_ += frame->nb_samples;
    int code = avcodec_send_frame(encoder_.get(), frame.get());
    if (code >= 0) code = drain_encoder(output);
    if (code < 0) return code;
  }
  return 0;
}

int SoundTrack::drain_encoder(AVFormatContext& output) {
  const PacketPtr packet = make_packet();
  while (avcodec_receive_packet(encoder_.get(), packet.get()) >= 0) {
    packet->stream_index = stream_->index;
    av_packet_rescale_ts(packet.get(), encoder_->time_base, stream_->time_base);
    if (const int code = av_interleaved_write_frame(&output, packet.get()); code < 0) return code;
  }
  return 0;
}

int SoundTrack::finish(AVFormatContext& output) {
  if (!encoder_) return 0;
  resample(nullptr);
  if (const int code = encode(output, true); code < 0) return code;
  avcodec_send_frame(encoder_.get(), nullptr);
  return drain_encoder(output);
}

}  // namespace alref::media
