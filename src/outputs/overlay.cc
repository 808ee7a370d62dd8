// SPDX-License-Identifier: Apache-2.0
#include "outputs/overlay.h"

#include <algorithm>
#include <cmath>

#include "media/draw.h"

namespace alref::outputs {
namespace {

constexpr int kSmallestFrame = 48;  // a side; below there is no room for words
constexpr double kSmallestText = 9;
constexpr double kLargestText = 28;
constexpr media::Color kGround{0, 0, 0, 150};
constexpr media::Color kWords{255, 255, 255, 255};

// Thicker outlines on larger frames: 2 pixels at 720 lines.
int outline_of(const Image& frame) {
  return std::max(1, std::min(frame.width, frame.height) / 360);
}

}  // namespace

media::RgbaImage make_legend(std::span<const std::string> labels, int width, int height) {
  if (labels.empty() || width < kSmallestFrame || height < kSmallestFrame) return {};
  const double size = std::clamp(height / 30.0, kSmallestText, kLargestText);
  const double line = size * 1.4;
  const double margin = size * 0.5;
  const double indent = margin + size * 1.3;  // the coloured square and a gap
  // At most half of the frame's height.
  const auto room = std::max<size_t>(1, static_cast<size_t>((height / 2.0 - 2 * margin) / line));
  std::vector<std::string> words(labels.begin(), labels.end());
  size_t shown = words.size();
  if (shown > room) {
    shown = room;
    words[room - 1] = "and " + std::to_string(words.size() - room + 1) + " more";
    words.resize(room);
  }
  double widest = 0;
  for (std::string& text : words) {
    text = media::fit_text(text, size, width - indent - margin);
    widest = std::max(widest, media::text_width(text, size));
  }
  const int panel_width = std::min(width, static_cast<int>(std::ceil(indent + widest + margin)));
  const int panel_height =
      std::min(height, static_cast<int>(std::ceil(2 * margin + line * static_cast<double>(shown))));
  media::Canvas canvas(panel_width, panel_height);
  canvas.fill({0, 0, static_cast<float>(panel_width), static_cast<float>(panel_height)}, kGround);
  for (size_t i = 0; i < shown; ++i) {
    const double top = margin + line * static_cast<double>(i);
    const bool object = words.size() == labels.size() || i + 1 < shown;
    if (object) {
      const auto left = static_cast<float>(margin), upper = static_cast<float>(top + size * 0.15);
      const auto side = static_cast<float>(size * 0.85);
      canvas.fill({left, upper, left + side, upper + side},
                  media::object_color(static_cast<int>(i)));
    }
    canvas.text(words[i], {static_cast<float>(indent), static_cast<float>(top + size * 0.9)}, size,
                kWords);
  }
  return canvas.to_rgba();
}

OverlayWriter::OverlayWriter(const std::string& path, int width, int height,
                             std::span<const std::string> labels,
                             const media::VideoWriterOptions& options)
    : legend_(make_legend(labels, width, height)), writer_(path, width, height, options) {}

void OverlayWriter::write(const Image& frame, std::span<const Mask> masks, double seconds) {
  Image picture = frame;
  for (size_t k = 0; k < masks.size(); ++k) {
    if (masks[k].empty()) continue;
    media::tint(picture, masks[k], media::object_color(static_cast<int>(k)), 0.45,
                outline_of(frame));
  }
  media::blend(picture, legend_, 0, 0);
  writer_.write(picture, seconds);
}

}  // namespace alref::outputs
