// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reasoning/rules/sentence.h"
#include "reasoning/rules/tracks.h"

namespace alref::reasoning {

/// The video's measures, in which places and ways become shares of the picture.
struct Extent {
  int width = 1;
  int height = 1;
  int frame_count = 1;
};

/// One thing among its rivals: the tracks of the same noun.
struct Candidate {
  const Track* track = nullptr;
  std::vector<const Track*> rivals;
};

/// How well a constraint holds for the candidate, in [0, 1]; none where the boxes tell nothing
/// about it. `others` holds, for each of the constraint's noun phrases, the tracks that may be
/// meant.
std::optional<double> judge(const Constraint& constraint, const Candidate& candidate,
                            std::span<const std::vector<const Track*>> others,
                            const Extent& extent);

}  // namespace alref::reasoning
