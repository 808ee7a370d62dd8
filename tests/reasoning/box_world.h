// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"
#include "alref/types.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reasoning/scene.h"

namespace alref::reasoning {

/// A thing of a made-up video: a noun, a colour, and its box on each frame on which it is seen.
struct Thing {
  std::string noun;
  std::array<uint8_t, 3> colour;
  std::function<std::optional<Box>(int frame)> box;
  float score = 0.8f;
};

/// A video of coloured rectangles on grey, and a detector that knows where they are. Counts what is
/// asked of it.
class BoxWorld : public FrameSource {
 public:
  BoxWorld(int frames, std::vector<Thing> things, int width = 320, int height = 240)
      : frames_(frames), width_(width), height_(height), things_(std::move(things)) {}

  int width() const override { return width_; }
  int height() const override { return height_; }
  double frame_rate() const override { return 25; }
  std::optional<int> frame_count() const override { return frames_; }
  bool seekable() const override { return true; }

  std::shared_ptr<const Image> frame(int index) override {
    if (index >= frames_) return nullptr;
    ++frames_read;
    auto image = std::make_shared<Image>(width_, height_);
    std::fill(image->pixels.begin(), image->pixels.end(), uint8_t{128});
    for (const Thing& thing : things_) {
      const auto box = thing.box(index);
      if (!box) continue;
      for (int y = std::max(0, static_cast<int>(box->y0));
           y < std::min<int>(height_, static_cast<int>(box->y1)); ++y) {
        for (int x = std::max(0, static_cast<int>(box->x0));
             x < std::min<int>(width_, static_cast<int>(box->x1)); ++x) {
          std::copy(thing.colour.begin(), thing.colour.end(), image->row(y) + 3 * x);
        }
      }
    }
    return image;
  }

  /// The boxes of the things whose noun is in the caption.
  DetectFunction detector() {
    return [this](int frame, const Image&, std::string_view caption, float box_threshold, float) {
      ++detections;
      std::vector<Detection> found;
      for (const Thing& thing : things_) {
        const auto box = thing.box(frame);
        if (!box || thing.score <= box_threshold ||
            caption.find(thing.noun) == std::string_view::npos)
          continue;
        found.push_back(
            {.box = *box, .score = thing.score, .phrase = thing.noun, .phrase_offset = 0});
      }
      return found;
    };
  }

  int frames_read = 0;
  int detections = 0;

 private:
  int frames_;
  int width_;
  int height_;
  std::vector<Thing> things_;
};

/// A box of the given size whose centre goes straight from one point to another in `frames` frames.
inline std::function<std::optional<Box>(int)> moving(Point from, Point to, float size, int frames,
                                                     float size_at_end = 0) {
  return [=](int frame) -> std::optional<Box> {
    const float t = static_cast<float>(frame) / static_cast<float>(frames - 1);
    const float x = from.x + t * (to.x - from.x), y = from.y + t * (to.y - from.y);
    const float half = (size + t * ((size_at_end > 0 ? size_at_end : size) - size)) / 2;
    return Box{x - half, y - half, x + half, y + half};
  };
}

inline std::function<std::optional<Box>(int)> resting(Point at, float size) {
  return [=](int) -> std::optional<Box> {
    return Box{at.x - size / 2, at.y - size / 2, at.x + size / 2, at.y + size / 2};
  };
}

/// The same, seen only on the frames [first, last].
inline std::function<std::optional<Box>(int)> during(int first, int last,
                                                     std::function<std::optional<Box>(int)> box) {
  return [=, box = std::move(box)](int frame) -> std::optional<Box> {
    return frame >= first && frame <= last ? box(frame) : std::nullopt;
  };
}

}  // namespace alref::reasoning
