// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace alref {

/// How a map gets another size: the modes of torch.nn.functional.interpolate with
/// align_corners=False.
enum class Resampling {
  kNearest,
  kBilinear,
  kBilinearAntialiased,  ///< antialias=True: where it shrinks, a mean of all that is covered
  kBicubic,              ///< a = -0.75; the edge is repeated
};

/// What one position of the result takes from the source along one axis: the weights of
/// consecutive positions.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};

/// Of all `to` positions of an axis that had `from`; both at least 1.
std::vector<Taps> resize_taps(Resampling mode, int64_t from, int64_t to);

}  // namespace alref
