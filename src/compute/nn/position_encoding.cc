// SPDX-License-Identifier: Apache-2.0
#include "compute/nn/position_encoding.h"

#include <cmath>
#include <numbers>

namespace alref::compute::nn {

std::vector<float> sine_encoding(int64_t height, int64_t width, int64_t dim, double temperature) {
  const int64_t half = dim / 2;
  const auto axis = [&](int64_t count) {  // [count, half]
    std::vector<float> codes;
    for (int64_t index = 0; index < count; ++index) {
      // 1e-6 is the official guard against division by zero; it is part of the numbers.
      const double place = static_cast<double>(index + 1) / (static_cast<double>(count) + 1e-6) *
                           2 * std::numbers::pi;
      for (int64_t i = 0; i < half; ++i) {
        const int64_t pair = i / 2;
        const double exponent = static_cast<double>(2 * pair) / static_cast<double>(half);
        const double angle = place / std::pow(temperature, exponent);
        codes.push_back(static_cast<float>(i % 2 == 0 ? std::sin(angle) : std::cos(angle)));
      }
    }
    return codes;
  };
  const std::vector<float> rows = axis(height), columns = axis(width);
  std::vector<float> result;
  result.reserve(static_cast<size_t>(height * width * dim));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      result.insert(result.end(), rows.begin() + y * half, rows.begin() + (y + 1) * half);
      result.insert(result.end(), columns.begin() + x * half, columns.begin() + (x + 1) * half);
    }
  }
  return result;
}

}  // namespace alref::compute::nn
