// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace alref::compute::nn {

/// Sines and cosines of a pixel's place in a map (DETR's PositionEmbeddingSine, normalised to 2
/// pi): [height, width, dim], the first half of a pixel's numbers by its row, the second by its
/// column. `dim` is a multiple of 4.
std::vector<float> sine_encoding(int64_t height, int64_t width, int64_t dim, double temperature);

}  // namespace alref::compute::nn
