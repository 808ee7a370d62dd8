// SPDX-License-Identifier: Apache-2.0
#include "core/resize_taps.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace alref {
namespace {

// The middle of position i of the result, in positions of the source. As PyTorch, in 32 bits.
float source_position(int64_t i, int64_t from, int64_t to) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  return scale * (static_cast<float>(i) + 0.5f) - 0.5f;
}

Taps nearest(int64_t i, int64_t from, int64_t to) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  return {std::min(static_cast<int64_t>(static_cast<float>(i) * scale), from - 1), {1.0f}};
}

Taps bilinear(int64_t i, int64_t from, int64_t to) {
  const float source = std::max(0.0f, source_position(i, from, to));
  const int64_t first = std::min(static_cast<int64_t>(source), from - 1);
  const float part = source - static_cast<float>(first);
  if (first + 1 == from) return {first, {1.0f}};
  return {first, {1 - part, part}};
}

Taps bilinear_antialiased(int64_t i, int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(scale, 1.0), centre = scale * (static_cast<double>(i) + 0.5);
  const int64_t first =
      std::max(int64_t{0}, static_cast<int64_t>(std::floor(centre - reach + 0.5)));
  const int64_t end = std::min(from, static_cast<int64_t>(std::floor(centre + reach + 0.5)));
  std::vector<double> weights;
  double sum = 0;
  for (int64_t j = first; j < end; ++j) {
    weights.push_back(std::max(0.0, 1 - std::abs((static_cast<double>(j) - centre + 0.5) / reach)));
    sum += weights.back();
  }
  Taps taps{first, {}};
  for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
  return taps;
}

Taps bicubic(int64_t i, int64_t from, int64_t to) {
  constexpr float a = -0.75f;
  const auto near = [](float x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](float x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  const float source = source_position(i, from, to), base = std::floor(source), t = source - base;
  const float weights[] = {far(1 + t), near(t), near(1 - t), far(2 - t)};
  const auto inside = [&](int64_t position) { return std::clamp(position, int64_t{0}, from - 1); };
  // What would lie beyond an edge is added to the edge.
  const int64_t start = static_cast<int64_t>(base) - 1, first = inside(start);
  Taps taps{first, std::vector<float>(static_cast<size_t>(inside(start + 3) - first + 1))};
  for (int64_t k = 0; k < 4; ++k) {
    taps.weights[static_cast<size_t>(inside(start + k) - first)] += weights[k];
  }
  return taps;
}

}  // namespace

std::vector<Taps> resize_taps(Resampling mode, int64_t from, int64_t to) {
  const auto tap = mode == Resampling::kNearest               ? nearest
                   : mode == Resampling::kBilinear            ? bilinear
                   : mode == Resampling::kBilinearAntialiased ? bilinear_antialiased
                                                              : bicubic;
  std::vector<Taps> taps;
  taps.reserve(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) taps.push_back(tap(i, from, to));
  return taps;
}

}  // namespace alref
