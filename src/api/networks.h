// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/models.h"

#include <memory>
#include <string>

#include "perception/detector.h"
#include "perception/video_segmenter.h"

namespace alref {

struct Models::Networks {
  std::unique_ptr<Detector> detector;
  std::unique_ptr<VideoSegmenter> segmenter;
  std::string identity;  ///< files, device and precision, for resumed runs
};

}  // namespace alref
