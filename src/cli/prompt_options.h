// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <string>
#include <utility>
#include <vector>

namespace alref::cli {

/// "x0,y0,x1,y1". Throws Error(kInvalidArgument).
Box parse_box(const std::string& text);

/// "x,y" or "x,y,label"; the label is 1 (on the object) unless it is given. Throws
/// Error(kInvalidArgument).
std::pair<Point, int> parse_point(const std::string& text);

/// 1 where a logit is above 0.
Mask mask_of(const FloatMap& logits);

}  // namespace alref::cli
