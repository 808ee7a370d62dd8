// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <filesystem>
#include <string>
#include <vector>

#include "datasets/rvos_dataset.h"

namespace alref::datasets {

/// Where a benchmark's server or evaluator looks for results:
///   Ref-YouTube-VOS  OUT/Annotations/VIDEO/EXPRESSION/FRAME.png, 0 or 255 (zip the folder
///   Annotations) MeViS            OUT/VIDEO/EXPRESSION/FRAME.png, 0 or 255 (zip the video folders)
///   Ref-DAVIS17      OUT/anno_K/VIDEO/FRAME.png, palette PNGs with all objects of annotator K = 0
///   ... 3
class RvosResults {
 public:
  RvosResults(RvosLayout layout, std::filesystem::path out)
      : layout_(layout), out_(std::move(out)) {}

  /// Folder of one expression's masks (not Ref-DAVIS17).
  std::filesystem::path folder(const RvosVideo& video, const RvosExpression& expression) const;
  /// Folder of one annotator's palette PNGs (Ref-DAVIS17).
  std::filesystem::path folder(const RvosVideo& video, int annotator) const;

  /// One expression's masks. Throws Error(kInput) where a frame is missing or has another size.
  std::vector<Mask> read(const RvosVideo& video, const RvosExpression& expression) const;
  LabelTrack read(const RvosVideo& video, int annotator) const;

 private:
  RvosLayout layout_;
  std::filesystem::path out_;
};

}  // namespace alref::datasets
