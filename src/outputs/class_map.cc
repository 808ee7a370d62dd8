// SPDX-License-Identifier: Apache-2.0
#include "outputs/class_map.h"

#include <array>
#include <cstdio>

#include "core/avs_classes.h"
#include "outputs/mask_png.h"

namespace alref::outputs {

std::string class_map_path(const std::string& dir, int frame) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/classes/%05d.png", frame);
  return dir + name.data();
}

std::vector<media::Rgb> avs_palette() {
  const auto& colours = davis_palette();
  return {colours.begin(), colours.begin() + static_cast<std::ptrdiff_t>(kAvsClasses.size() + 1)};
}

media::LabelImage merge_classes(std::span<const Mask> masks, std::span<const int> classes,
                                std::span<const size_t> order, int width, int height) {
  media::LabelImage map(width, height);
  map.palette = avs_palette();
  for (const size_t object : order) {
    const auto& pixels = masks[object].pixels;
    for (size_t i = 0; i < pixels.size(); ++i) {
      if (pixels[i]) map.labels[i] = static_cast<uint8_t>(classes[object]);
    }
  }
  return map;
}

}  // namespace alref::outputs
