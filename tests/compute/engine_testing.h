// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <vector>

#include "compute/tiny_model.h"

namespace alref::compute {

// f32 sums of n products in another order differ by about sqrt(n) * 2^-24 of their size: 2e-6 for n
// = 1000.
inline constexpr double kF32Tolerance = 1e-5;
// Each factor rounded to bf16 errs by up to 2^-9, 2^-10 on average; errors of independent sign keep
// that relative size in the sum. Two factors: 2e-3 observed; a wrong k or a missing column gives
// more than 1e-1.
inline constexpr double kBf16Tolerance = 6e-3;

/// A weight [out, in] of `type` on the device, marked as one, so that backends pack it.
inline DeviceTensor make_weight(Device& device, ggml_type type, const Shape& shape,
                                const std::vector<float>& values) {
  DeviceTensor weight(device, type, shape);
  std::vector<std::byte> bytes(weight.bytes());
  if (type == GGML_TYPE_F32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else {
    ggml_quantize_chunk(type, values.data(), bytes.data(), 0, shape[0], shape[1], nullptr);
  }
  ggml_backend_tensor_set(weight.tensor(), bytes.data(), 0, bytes.size());
  ggml_backend_buffer_set_usage(weight.tensor()->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  return weight;
}

}  // namespace alref::compute
