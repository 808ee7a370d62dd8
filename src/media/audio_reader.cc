// SPDX-License-Identifier: Apache-2.0
#include "media/audio_reader.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/log.h"
#include "media/ffmpeg.h"
#include "media/image_io.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>
}

namespace alref::media {
namespace {

// A track's times jitter by the container's rounding; what is longer is a gap.
constexpr double kGapSeconds = 0.05;
// Frames and gaps of any length go through the resampler in parts, so that memory stays small
// whatever the rates are.
constexpr int64_t kPart = 1 << 15;
constexpr int64_t kPartSeconds = 2;
constexpr int kHighestRate = 1'536'000;  // samples a second: twice 768 kHz
constexpr float kLoudest = 1e6f;         // full scale is 1

// Adds a channel's samples, scaled to [-1, 1], to `sums`; those of `frame` from `first` on.
template <typename Sample>
void add_channel(const AVFrame& frame, int channel, size_t first, std::vector<double>& sums) {
  const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) != 0;
  const int channels = frame.ch_layout.nb_channels;
  const auto* samples = reinterpret_cast<const Sample*>(planar ? frame.extended_data[channel]
                                                               : frame.extended_data[0]);
  const size_t step = planar ? 1 : static_cast<size_t>(channels);
  const size_t start = first * step + (planar ? 0 : static_cast<size_t>(channel));
  for (size_t i = 0; i < sums.size(); ++i) {
    const Sample sample = samples[start + i * step];
    if constexpr (std::is_floating_point_v<Sample>) {
      sums[i] += sample;
    } else if constexpr (std::is_same_v<Sample, uint8_t>) {
      sums[i] += (sample - 128) / 128.0;
    } else {
      sums[i] +=
          static_cast<double>(sample) / -static_cast<double>(std::numeric_limits<Sample>::min());
    }
  }
}

bool add_channel(const AVFrame& frame, int channel, size_t first, std::vector<double>& sums,
                 AVSampleFormat format) {
  switch (format) {
    case AV_SAMPLE_FMT_U8:
      add_channel<uint8_t>(frame, channel, first, sums);
      return true;
    case AV_SAMPLE_FMT_S16:
      add_channel<int16_t>(frame, channel, first, sums);
      return true;
    case AV_SAMPLE_FMT_S32:
      add_channel<int32_t>(frame, channel, first, sums);
      return true;
    case AV_SAMPLE_FMT_S64:
      add_channel<int64_t>(frame, channel, first, sums);
      return true;
    case AV_SAMPLE_FMT_FLT:
      add_channel<float>(frame, channel, first, sums);
      return true;
    case AV_SAMPLE_FMT_DBL:
      add_channel<double>(frame, channel, first, sums);
      return true;
    default:
      return false;
  }
}

}  // namespace

class AudioReader::Impl {
 public:
  Impl(const std::string& path, const AudioOptions& options) : path_(path), options_(options) {
    if (options.sample_rate <= 0) {
      throw Error(ErrorKind::kInvalidArgument,
                  "sample rate " + std::to_string(options.sample_rate) + ", expected above 0");
    }
    open();
  }

  int sample_rate() const { return options_.sample_rate; }
  const AVFormatContext& input() const { return *input_; }

  Waveform window(int64_t first, size_t count) {
    if (first < base_) {
      if (!is_seekable(*input_)) {
        throw Error(ErrorKind::kInvalidArgument,
                    shown_path(path_) + ": earlier sound of a stream was asked for again");
      }
      open();
    }
    forget_before(first);
    while (!ended_ &&
           base_ + static_cast<int64_t>(samples_.size()) < first + static_cast<int64_t>(count)) {
      read_more();
      forget_before(first);
    }
    Waveform window;
    window.sample_rate = options_.sample_rate;
    if (base_ == first) {
      window.samples.assign(samples_.begin(), samples_.begin() + static_cast<ptrdiff_t>(std::min(
                                                                     count, samples_.size())));
    }
    return window;
  }

 private:
  void open() {
    decoder_.reset();
    input_ = open_input(path_, kMaxPixels);
    track_ = find_track(*input_, AVMEDIA_TYPE_AUDIO);
    if (track_ < 0) throw Error(ErrorKind::kInput, shown_path(path_) + ": has no sound track");
    for (unsigned i = 0; i < input_->nb_streams; ++i) {
      if (static_cast<int>(i) != track_) input_->streams[i]->discard = AVDISCARD_ALL;
    }
    decoder_ = open_decoder(*input_->streams[track_], path_, 1, kMaxPixels);
    resampler_.reset();
    rate_ = 0;
    samples_.clear();
    base_ = 0;
    seconds_in_ = 0;
    silence_ = 0;
    pending_ = 0;
    draining_ = ended_ = false;
  }

  void forget_before(int64_t first) {
    const auto count = std::clamp<int64_t>(first - base_, 0, static_cast<int64_t>(samples_.size()));
    samples_.erase(samples_.begin(), samples_.begin() + static_cast<ptrdiff_t>(count));
    base_ += count;
  }

  // One step: a part of a gap, or a decoded frame, or the resampler's rest at the end.
  void read_more() {
    if (silence_ > 0) {
      const int64_t part = std::min(silence_, part_length());
      silence_ -= part;
      resample(std::vector<float>(static_cast<size_t>(part)));
      return;
    }
    if (pending_ > 0) {
      const int64_t part = std::min(pending_, part_length());
      resample(mix(*frame_, static_cast<size_t>(frame_->nb_samples - pending_),
                   static_cast<size_t>(part)));
      pending_ -= part;
      return;
    }
    if (!decode()) {
      drain_resampler();
      ended_ = true;
      return;
    }
    if (frame_->nb_samples <= 0 || frame_->ch_layout.nb_channels <= 0 || frame_->sample_rate <= 0)
      return;
    if (frame_->sample_rate != rate_) {
      drain_resampler();
      rate_ = frame_->sample_rate;
      // The resampler's filter grows with the rate: what a damaged header says could fill memory.
      if (rate_ > kHighestRate) {
        throw Error(ErrorKind::kInput, shown_path(path_) + ": a sound track of " +
                                           std::to_string(rate_) + " samples a second; expected " +
                                           std::to_string(kHighestRate) + " at most");
      }
      set_up_resampler();
    }
    pending_ = frame_->nb_samples;
    find_gap();
  }

  int64_t part_length() const { return std::clamp<int64_t>(kPartSeconds * rate_, 1, kPart); }

  bool decode() {
    for (;;) {
      const int code = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (code >= 0) return true;
      if (code == AVERROR_EOF) return false;
      if (draining_) continue;
      int read = 0;
      do {
        av_packet_unref(packet_.get());
        read = av_read_frame(input_.get(), packet_.get());
      } while (read == AVERROR(EAGAIN) || (read >= 0 && packet_->stream_index != track_));
      if (read < 0) {
        draining_ = true;
        avcodec_send_packet(decoder_.get(), nullptr);
      } else if (avcodec_send_packet(decoder_.get(), packet_.get()) < 0) {
        warn_once("holds sound that cannot be decoded; it is left out");
      }
    }
  }

  void find_gap() {
    const int64_t pts = frame_->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE) return;
    const AVStream& track = *input_->streams[track_];
    const double start = input_->start_time == AV_NOPTS_VALUE
                             ? 0
                             : static_cast<double>(input_->start_time) / AV_TIME_BASE;
    const double gap = static_cast<double>(pts) * av_q2d(track.time_base) - start - seconds_in_;
    if (gap <= kGapSeconds) return;
    check_length(seconds_in_ + gap);
    silence_ = static_cast<int64_t>(gap * rate_);
    seconds_in_ += static_cast<double>(silence_) / rate_;
  }

  /// `count` samples of a frame, from `first` on.
  std::vector<float> mix(const AVFrame& frame, size_t first, size_t count) {
    std::vector<double> sums(count);
    const int channels = frame.ch_layout.nb_channels;
    const auto format = av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame.format));
    for (int c = 0; c < channels; ++c) {
      if (!add_channel(frame, c, first, sums, format)) {
        throw Error(ErrorKind::kInput,
                    shown_path(path_) + ": unknown sample format " + std::to_string(frame.format));
      }
    }
    std::vector<float> mono(sums.size());
    for (size_t i = 0; i < sums.size(); ++i) {
      mono[i] = static_cast<float>(sums[i] / channels);
      // NaN is not; and what is nearly infinite would become so in the resampler's filter.
      if (std::abs(mono[i]) <= kLoudest) continue;
      mono[i] = 0;
      warn_once(
          "holds samples that are not finite numbers or a million times too loud; they count as "
          "silence");
    }
    seconds_in_ += static_cast<double>(mono.size()) / rate_;
    check_length(seconds_in_);
    return mono;
  }

  void check_length(double seconds) const {
    if (seconds <= options_.max_seconds) return;
    throw Error(ErrorKind::kInput, shown_path(path_) + ": longer than the " +
                                       std::to_string(static_cast<int64_t>(options_.max_seconds)) +
                                       " seconds that are allowed");
  }

  void set_up_resampler() {
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    SwrContext* context = nullptr;
    int code = swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLT, options_.sample_rate, &mono,
                                   AV_SAMPLE_FMT_FLT, rate_, 0, nullptr);
    resampler_.reset(context);
    if (code >= 0) code = swr_init(context);
    if (code < 0) {
      throw Error(ErrorKind::kInput,
                  shown_path(path_) + ": cannot be resampled from " + std::to_string(rate_) +
                      " to " + std::to_string(options_.sample_rate) + " Hz: " + ffmpeg_error(code));
    }
  }

  void resample(const std::vector<float>& in) { convert(in.data(), static_cast<int>(in.size())); }
  void drain_resampler() {
    if (resampler_) convert(nullptr, 0);
  }

  void convert(const float* in, int count) {
    const int room = swr_get_out_samples(resampler_.get(), count);
    if (room <= 0) return;
    const size_t before = samples_.size();
    samples_.resize(before + static_cast<size_t>(room));
    auto* to = reinterpret_cast<uint8_t*>(samples_.data() + before);
    const auto* from = reinterpret_cast<const uint8_t*>(in);
    const int made =
        swr_convert(resampler_.get(), &to, room, in != nullptr ? &from : nullptr, count);
    samples_.resize(before + static_cast<size_t>(std::max(made, 0)));
  }

  void warn_once(const std::string& what) {
    if (warned_) return;
    warned_ = true;
    log(LogLevel::kWarning, shown_path(path_) + ": " + what);
  }

  std::string path_;
  AudioOptions options_;
  InputPtr input_;
  CodecPtr decoder_;
  SwrPtr resampler_;
  PacketPtr packet_ = make_packet();
  FramePtr frame_ = make_frame();
  int track_ = -1;
  int rate_ = 0;                ///< of the sound as it is decoded
  std::vector<float> samples_;  ///< resampled: base_, base_ + 1, ...
  int64_t base_ = 0;
  double seconds_in_ = 0;  ///< of decoded sound and gaps so far
  int64_t silence_ = 0;    ///< samples, at rate_, of a gap that is still to be given
  int64_t pending_ = 0;    ///< samples of frame_ that are still to be given, after that gap
  bool draining_ = false;
  bool ended_ = false;
  bool warned_ = false;
};

AudioReader::AudioReader(const std::string& path, const AudioOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
AudioReader::~AudioReader() = default;
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;

int AudioReader::sample_rate() const { return impl_->sample_rate(); }

std::optional<double> AudioReader::declared_seconds() const {
  const int64_t duration = impl_->input().duration;
  if (duration == AV_NOPTS_VALUE || duration <= 0) return std::nullopt;
  return static_cast<double>(duration) / AV_TIME_BASE;
}

Waveform AudioReader::window(int64_t first, size_t count) {
  if (first < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                "audio window starts at sample " + std::to_string(first));
  }
  return impl_->window(first, count);
}

Waveform read_audio(const std::string& path, const AudioOptions& options) {
  AudioReader reader(path, options);
  Waveform sound = reader.window(0, std::numeric_limits<int32_t>::max());
  if (sound.samples.empty()) {
    throw Error(ErrorKind::kInput, shown_path(path) + ": its sound track has no samples");
  }
  return sound;
}

bool has_audio(const std::string& path) {
  return find_track(*open_input(path, kMaxPixels), AVMEDIA_TYPE_AUDIO) >= 0;
}

}  // namespace alref::media
