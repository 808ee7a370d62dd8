// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <string>

namespace alref {

/// A mask as the lengths of its runs, row by row, zeros first, each in LEB128: a video's masks in a
/// few bytes a frame.
class PackedMask {
 public:
  PackedMask() = default;
  explicit PackedMask(const Mask& mask);
  /// From bytes() of another. Throws Error(kInput) where the runs do not make up width x height.
  PackedMask(int width, int height, std::string bytes);

  Mask unpack() const;
  /// Number of pixels on the object.
  size_t area() const;
  const std::string& bytes() const { return bytes_; }

 private:
  int width_ = 0;
  int height_ = 0;
  std::string bytes_;
};

}  // namespace alref
