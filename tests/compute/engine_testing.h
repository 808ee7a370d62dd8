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

/// The nearest numbers that bf16 has.
inline std::vector<float> rounded_to_bf16(std::vector<float> values) {
  for (float& value : values) value = ggml_bf16_to_fp32(ggml_fp32_to_bf16(value));
  return values;
}

/// An operand in bf16, as networks keep what only products and attention read.
inline DeviceTensor make_bf16(Device& device, const Shape& shape,
                              const std::vector<float>& values) {
  DeviceTensor tensor(device, GGML_TYPE_BF16, shape);
  std::vector<ggml_bf16_t> elements(values.size());
  ggml_fp32_to_bf16_row(values.data(), elements.data(), static_cast<int64_t>(values.size()));
  ggml_backend_tensor_set(tensor.tensor(), elements.data(), 0, tensor.bytes());
  return tensor;
}

}  // namespace alref::compute
