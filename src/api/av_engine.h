// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/av_segmenter.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "perception/detector.h"
#include "perception/video_segmenter.h"
#include "pipeline/avs.h"
#include "pipeline/lbru.h"
#include "reasoning/sound/sound_reasoner.h"

namespace alref {

/// The reasoner that the options ask for; errors as make_reasoner().
std::unique_ptr<reasoning::SoundReasoner> make_sound_reasoner(const AvOptions& options);

/// A video's segments in a file {video: [[begin, end], ...]}; none where the video is not in it.
/// Throws Error(kInput): not such a file, or segments that are empty, overlap or do not ascend.
std::optional<std::vector<pipeline::Segment>> read_segments(const std::string& path,
                                                            const std::string& video);

/// AvSegmenter on any networks.
class AvEngine {
 public:
  /// All outlive the engine.
  AvEngine(Detector& detector, VideoSegmenter& segmenter, const pipeline::Listeners& listeners,
           const AvOptions& options);
  ~AvEngine();

  /// Exactly one of `sound` and `reference` is not null.
  AvResult segment(FrameSource& frames, SoundSource* sound, const Waveform* reference,
                   AvMaskSink& masks);
  const AvCosts& costs() const { return costs_; }

 private:
  Detector& detector_;
  VideoSegmenter& segmenter_;
  pipeline::Lbru lbru_;
  AvOptions options_;
  std::unique_ptr<reasoning::SoundReasoner> reasoner_;
  AvCosts costs_;
};

}  // namespace alref
