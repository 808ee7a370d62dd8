// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Unicode's properties as compact tables; text/unicode.h reads them.
namespace alref::text::tables {

// Runs of one value, sorted: first code point << 8 | value.
extern const uint32_t kClasses[];
extern const size_t kClassesSize;
extern const uint32_t kCombiningClasses[];
extern const size_t kCombiningClassesSize;
extern const uint32_t kCasing[];
extern const size_t kCasingSize;

// Lower case as runs of four numbers: first, last, step, difference.
extern const int32_t kLower[];
extern const size_t kLowerSize;

// Full canonical decompositions: pairs (code point, offset << 3 | length) into kDecompositions.
extern const uint32_t kDecompositionIndex[];
extern const size_t kDecompositionIndexSize;
extern const uint32_t kDecompositions[];
extern const size_t kDecompositionsSize;

// Primary composites, sorted: first, second, composed.
extern const uint32_t kCompositions[];
extern const size_t kCompositionsSize;

}  // namespace alref::text::tables
