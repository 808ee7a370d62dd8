// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/error.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "perception/detector.h"

namespace alref {

/// A detector that counts its calls and can be made to fail.
class KillableDetector : public Detector {
 public:
  std::vector<Detection> detect(const Image& image, std::string_view caption,
                                const DetectionThresholds&) override {
    if (--calls_left < 0) throw Error(ErrorKind::kInterrupted, "killed");
    ++runs;
    return look(image, caption);
  }

  int runs = 0;
  int calls_left = 1'000'000;

 protected:
  virtual std::vector<Detection> look(const Image& image, std::string_view caption) = 0;

  /// What bounds the pixels of just this colour in columns [begin, end).
  static std::optional<Box> bounds_of_colour(const Image& image,
                                             const std::array<uint8_t, 3>& colour, int begin,
                                             int end) {
    Box box{1e9f, 1e9f, -1, -1};
    for (int y = 0; y < image.height; ++y) {
      for (int x = begin; x < end; ++x) {
        if (!std::equal(colour.begin(), colour.end(), image.row(y) + 3 * x)) continue;
        const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
        box = {std::min(box.x0, fx), std::min(box.y0, fy), std::max(box.x1, fx + 1),
               std::max(box.y1, fy + 1)};
      }
    }
    return box.x1 < 0 ? std::nullopt : std::optional(box);
  }
};

}  // namespace alref
