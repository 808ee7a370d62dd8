// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace alref::datasets {

/// Label maps [height, width] of a video's frames, as palette or grey PNGs hold them: 0 is the
/// background; in annotations 255 is ignored.
struct LabelTrack {
  int width = 0;
  int height = 0;
  std::vector<std::vector<uint8_t>> frames;

  /// Where a frame has this label.
  std::vector<Mask> masks_of(uint8_t label) const;
  /// Where a frame has any label but 0.
  std::vector<Mask> foreground() const;
};

/// FOLDER/FRAME.png for each of `frames`. Throws Error(kInput) where one is missing, damaged or of
/// another size than the first.
LabelTrack read_label_track(const std::filesystem::path& folder,
                            const std::vector<std::string>& frames);

}  // namespace alref::datasets
