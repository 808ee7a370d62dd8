// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

namespace alref {

/// Bilinear interpolation with half-pixel centres, as
/// torch.nn.functional.interpolate(mode="bilinear", align_corners=False).
FloatMap resize_bilinear(const FloatMap& map, int width, int height);

/// The same with antialias=True: where it shrinks, each result is a mean weighted by a triangle
/// over all that it covers.
FloatMap resize_bilinear_antialiased(const FloatMap& map, int width, int height);

}  // namespace alref
