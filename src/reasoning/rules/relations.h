// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "reasoning/rules/judge.h"

namespace alref::reasoning {

/// How well a relation ("left-of", "hold", ...) holds between two tracks; none where no frame shows
/// both. All that one thing may do to another counts as their touching or nearly so.
std::optional<double> relate(std::string_view word, const Track& a, const Track& b,
                             const Extent& extent);

/// Whether a place lies between two others; none without two others.
std::optional<double> judge_between(const Candidate& candidate,
                                    std::span<const std::vector<const Track*>> others,
                                    const Extent& extent);

}  // namespace alref::reasoning
