// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/appearance.h"

#include <algorithm>
#include <cmath>

namespace alref::reasoning {
namespace {

enum ColourIndex {
  kBlack,
  kWhite,
  kGrey,
  kRed,
  kGreen,
  kBlue,
  kYellow,
  kOrange,
  kBrown,
  kPink,
  kPurple
};

}  // namespace

int colour_index(int red, int green, int blue) {
  const int most = std::max({red, green, blue});
  const int least = std::min({red, green, blue});
  const int chroma = most - least;
  const double saturation = most > 0 ? static_cast<double>(chroma) / most : 0;
  if (most < 50) return kBlack;
  if (saturation < 0.18) return most > 190 ? kWhite : most < 80 ? kBlack : kGrey;
  double hue = 0;  // in degrees, as in HSV
  if (most == red) {
    hue = 60.0 * (green - blue) / chroma;
  } else if (most == green) {
    hue = 120 + 60.0 * (blue - red) / chroma;
  } else {
    hue = 240 + 60.0 * (red - green) / chroma;
  }
  if (hue < 0) hue += 360;
  if (hue < 14 || hue >= 345)
    return saturation < 0.45 && most > 170 ? kPink : hue > 8 && most < 130 ? kBrown : kRed;
  if (hue < 45) {
    if (most < 185 || saturation < 0.5) return kBrown;
    return kOrange;
  }
  if (hue < 70) return most < 110 ? kBrown : kYellow;
  if (hue < 170) return kGreen;
  if (hue < 260) return kBlue;
  if (hue < 300) return kPurple;
  return most > 150 ? kPink : kPurple;
}

ColourHistogram ColourHistogram::of(const Image& image, const Box& box) {
  // The rim of a box is mostly background.
  constexpr float kRim = 0.15f;
  const auto clip = [](float value, int size) {
    return std::clamp(static_cast<int>(value), 0, size);
  };
  const int x0 = clip(box.x0 + kRim * box.width(), image.width);
  const int x1 = clip(box.x1 - kRim * box.width(), image.width);
  const int y0 = clip(box.y0 + kRim * box.height(), image.height);
  const int y1 = clip(box.y1 - kRim * box.height(), image.height);
  const int step_x = std::max(1, (x1 - x0) / 32);
  const int step_y = std::max(1, (y1 - y0) / 32);
  ColourHistogram histogram;
  int count = 0;
  for (int y = y0; y < y1; y += step_y) {
    for (int x = x0; x < x1; x += step_x, ++count) {
      const uint8_t* p = image.row(y) + 3 * x;
      histogram.shares_[static_cast<size_t>(colour_index(p[0], p[1], p[2]))] += 1;
    }
  }
  for (double& share : histogram.shares_) share /= std::max(count, 1);
  return histogram;
}

double ColourHistogram::share(std::string_view colour) const {
  const auto found = std::ranges::find(kNames, colour);
  return found == kNames.end() ? 0 : shares_[static_cast<size_t>(found - kNames.begin())];
}

double ColourHistogram::similarity(const ColourHistogram& other) const {
  double sum = 0;
  for (size_t i = 0; i < shares_.size(); ++i) sum += std::min(shares_[i], other.shares_[i]);
  return sum;
}

void ColourHistogram::blend(const ColourHistogram& other, double weight) {
  for (size_t i = 0; i < shares_.size(); ++i) {
    shares_[i] = (1 - weight) * shares_[i] + weight * other.shares_[i];
  }
}

}  // namespace alref::reasoning
