// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/models.h"

#include <memory>
#include <string>
#include <vector>

#include "compute/device.h"
#include "perception/audio.h"
#include "perception/detector.h"
#include "perception/video_segmenter.h"

namespace alref {

/// What listens.
struct SoundNetworks {
  std::vector<std::unique_ptr<AudioTagger>> taggers;
  std::unique_ptr<AudioTextEmbedder> matcher;
  std::unique_ptr<AudioTextEmbedder> own_class_matcher;  ///< null: `matcher` serves
  std::string identity;                                  ///< files, for resumed runs

  AudioTextEmbedder& class_matcher() const {
    return own_class_matcher ? *own_class_matcher : *matcher;
  }
};

struct Models::Networks {
  ModelOptions options;
  std::shared_ptr<compute::Device> device;
  std::unique_ptr<Detector> detector;
  std::unique_ptr<VideoSegmenter> segmenter;
  std::unique_ptr<SoundNetworks> sound_networks;
  std::string identity;  ///< files, device and precision, for resumed runs

  /// Loaded when first asked for. Throws Error(kModel).
  SoundNetworks& sound();
};

}  // namespace alref
