// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

namespace alref::metrics {

/// Boundary pixels of a mask: those that differ from their right, lower or lower right neighbour;
/// in the last row only the right, in the last column only the lower one counts, so that a mask has
/// no boundary where it touches the image's border. (davis2017-evaluation, metrics.py, _seg2bmap.)
Mask boundary_of(const Mask& mask);

/// Every pixel within `radius` (Euclidean, inclusive) of a pixel of `mask`: skimage's disk,
/// cv2.dilate.
Mask dilate_by_disk(const Mask& mask, int radius);

}  // namespace alref::metrics
