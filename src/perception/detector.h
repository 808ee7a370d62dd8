// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <string_view>
#include <vector>

namespace alref {

struct DetectionThresholds {
  float box = 0.25f;   ///< a box is kept where its best token's probability is above this
  float text = 0.25f;  ///< a token belongs to a box's phrase where its probability is above this
};

/// Finds what a caption names in an image.
class Detector {
 public:
  virtual ~Detector() = default;

  /// Boxes for `caption` (English, UTF-8), in the network's query order; not sorted, nothing
  /// suppressed.
  /// Throws Error(kInvalidArgument): empty or too long caption, empty image, thresholds outside
  /// [0, 1].
  virtual std::vector<Detection> detect(const Image& image, std::string_view caption,
                                        const DetectionThresholds& thresholds) = 0;
};

}  // namespace alref
