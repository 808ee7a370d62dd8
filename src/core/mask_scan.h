// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

// Masks are long runs: these look at eight pixels at a time where all of them are alike.
namespace alref {

/// How many of the first `count` pixels are alike to the first, as 0 or as anything else.
inline size_t run_length(const uint8_t* pixels, size_t count) {
  if (count == 0) return 0;
  const bool on = pixels[0] != 0;
  uint64_t word = 0, alike = 0;
  std::memset(&alike, pixels[0], sizeof(alike));
  size_t i = 1;
  while (i < count && (pixels[i] != 0) == on) {
    while (i + sizeof(word) <= count &&
           (std::memcpy(&word, pixels + i, sizeof(word)), word == alike))
      i += sizeof(word);
    if (i < count && (pixels[i] != 0) == on) ++i;
  }
  return i;
}

/// The place of the first pixel that is on; `count` where none is.
inline size_t first_on(const uint8_t* pixels, size_t count) {
  return count == 0 || pixels[0] != 0 ? 0 : run_length(pixels, count);
}

/// One past the place of the last pixel that is on; 0 where none is.
inline size_t last_on(const uint8_t* pixels, size_t count) {
  uint64_t word = 0;
  while (count >= sizeof(word) &&
         (std::memcpy(&word, pixels + count - sizeof(word), sizeof(word)), word == 0))
    count -= sizeof(word);
  while (count > 0 && pixels[count - 1] == 0) --count;
  return count;
}

/// The box of the pixels that are on: x, y, width, height; zeros if there are none.
std::array<int, 4> box_of(const Mask& mask);

/// The same as corners, half-open; none if no pixel is on.
std::optional<Box> bounds_of(const Mask& mask);

}  // namespace alref
