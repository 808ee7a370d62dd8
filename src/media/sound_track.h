// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "media/ffmpeg.h"

extern "C" {
#include <libavutil/audio_fifo.h>
}

namespace alref::media {

/// Another file's sound as a track of an output, copied or encoded anew. Internal to VideoWriter.
class SoundTrack {
 public:
  /// Adds the track to the output; null if the file has no sound, or none that could be written
  /// (logged). Throws Error(kInput) if the file cannot be read.
  static std::unique_ptr<SoundTrack> open(const std::string& path, AVFormatContext& output);
  ~SoundTrack();

  /// Writes the packets that begin before `seconds`. Returns FFmpeg's code of a failure to write,
  /// or 0.
  int write_until(double seconds, AVFormatContext& output);
  /// After the last write_until(): what the encoder still holds.
  int finish(AVFormatContext& output);

 private:
  SoundTrack() = default;
  bool set_up_copy(AVFormatContext& output);
  bool set_up_encoder(AVFormatContext& output);
  bool read_packet();
  void decode_packet();
  void resample(AVFrame* frame);  ///< null: what the resampler still holds
  int encode(AVFormatContext& output, bool all);
  int drain_encoder(AVFormatContext& output);

  std::string path_;
  InputPtr input_;
  int track_ = -1;
  AVStream* stream_ = nullptr;  ///< the output's
  PacketPtr packet_ = make_packet();
  bool have_packet_ = false;
  bool ended_ = false;

  // Only where the sound is encoded anew:
  CodecPtr decoder_;
  CodecPtr encoder_;
  SwrPtr resampler_;
  AVAudioFifo* fifo_ = nullptr;
  int64_t next_sample_ = 0;
  bool placed_ = false;  ///< next_sample_ has been set from the first frame's time
};

}  // namespace alref::media
