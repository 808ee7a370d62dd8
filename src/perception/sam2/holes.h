// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

namespace alref::sam2 {

/// Sets to 0.1 the logits of holes: pieces of background (not above 0) of at most `max_area`
/// pixels, which touch by sides or corners (sam2/utils/misc.py, fill_holes_in_mask_scores).
void fill_holes(FloatMap& logits, int max_area);

}  // namespace alref::sam2
