// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/av_segmenter.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/work_store.h"
#include "perception/detector.h"
#include "perception/video_segmenter.h"
#include "pipeline/avs.h"
#include "pipeline/lbru.h"
#include "reasoning/sound/sound_reasoner.h"

namespace alref {

/// The reasoner that the options ask for; errors as make_reasoner().
std::unique_ptr<reasoning::SoundReasoner> make_sound_reasoner(const AvOptions& options);

/// AvSegmenter on any networks.
class AvEngine {
 public:
  /// `identity` names the networks for resumed runs. All outlive the engine.
  AvEngine(Detector& detector, VideoSegmenter& segmenter, const pipeline::Listeners& listeners,
           std::string identity, const AvOptions& options);
  ~AvEngine();

  /// Exactly one of `sound` and `reference` is not null.
  AvResult segment(FrameSource& frames, SoundSource* sound, const Waveform* reference,
                   AvMaskSink& masks);
  const AvCosts& costs() const { return costs_; }

 private:
  /// Boxes that a killed run has kept, else the detector's.
  std::vector<Detection> detect(WorkStore& store, int frame, const Image& image,
                                std::string_view caption, const DetectionThresholds& thresholds);

  Detector& detector_;
  VideoSegmenter& segmenter_;
  pipeline::Lbru lbru_;
  std::string identity_;
  AvOptions options_;
  std::unique_ptr<reasoning::SoundReasoner> reasoner_;
  AvCosts costs_;
};

}  // namespace alref
