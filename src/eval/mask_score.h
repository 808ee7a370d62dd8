// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace alref::eval {

/// One object's score over the frames of a video.
struct ScoredMasks {
  std::string name;  ///< the object's sentence, or category
  double j = 0;
  double f = 0;
  bool missing = false;  ///< not among the predicted objects; its masks count as empty

  double j_and_f() const { return (j + f) / 2; }
};

/// J and F, as DAVIS defines them, of each object in `truth`, averaged over all frames. Both files
/// are COCO run lengths in the layout of YouTube-VIS, as `alref segment` writes masks.json; objects
/// are matched by their place in the file. Throws Error(kInput): unreadable, of another size or
/// length, objects missing.
std::vector<ScoredMasks> score_masks(const std::filesystem::path& predicted,
                                     const std::filesystem::path& truth);

/// The same for the objects called `names`, matched by name: of a run that was asked for some of
/// them only, or that may not have found all. Each is looked for in the `truths` in turn. Throws
/// Error(kInput), also for a name that none of them holds.
std::vector<ScoredMasks> score_named_masks(const std::filesystem::path& predicted,
                                           std::span<const std::filesystem::path> truths,
                                           std::span<const std::string> names);

}  // namespace alref::eval
