// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <ggml.h>

namespace alref::compute {

/// The innermost row at these outer places of an f32 tensor; of a map [N, H, W, C] the pixel at
/// column, line, image. Any strides.
inline const float* row_at(const ggml_tensor* t, int64_t i1, int64_t i2 = 0, int64_t i3 = 0) {
  return reinterpret_cast<const float*>(
      static_cast<const char*>(t->data) + static_cast<size_t>(i1) * t->nb[1] +
      static_cast<size_t>(i2) * t->nb[2] + static_cast<size_t>(i3) * t->nb[3]);
}

/// A place in such a row, of a tensor of any type.
inline const std::byte* place_in(const ggml_tensor* t, const void* row, int64_t column) {
  return static_cast<const std::byte*>(row) + static_cast<size_t>(column) * t->nb[0];
}

}  // namespace alref::compute
