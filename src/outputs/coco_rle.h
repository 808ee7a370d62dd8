// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "media/image_io.h"

namespace alref::outputs {

/// A mask in COCO's compressed run-length encoding, as pycocotools writes it: runs column by
/// column, zeros first, as differences in a printable code of 5 bits a character (pycocotools,
/// common/maskApi.c).
struct Rle {
  int height = 0;
  int width = 0;
  std::string counts;

  friend bool operator==(const Rle&, const Rle&) = default;
};

Rle encode_rle(const Mask& mask);

/// Throws Error(kInput): characters outside the code, negative runs, runs that do not add up to
/// height x width, more pixels than allowed.
Mask decode_rle(const Rle& rle, int64_t max_pixels = media::kMaxPixels);

/// The masks of one video as a JSON text in the layout of YouTube-VIS, which pycocotools' mask
/// functions and the tools built on them read: "annotations" has one entry an object with
/// "segmentations" (one RLE a frame, null where the object is not visible), "bboxes" (x, y, width,
/// height) and "areas"; the object's sentence is its category's name.
class MasksJson {
 public:
  MasksJson(std::string video, int width, int height)
      : video_(std::move(video)), width_(width), height_(height) {}

  /// Objects are numbered 0, 1, ... in the order in which they are added.
  int add_object(std::string name);
  /// In any order of frames; adding a frame again replaces it. Throws Error(kInvalidArgument) for
  /// another size.
  void add(int object, int frame, const Mask& mask);
  /// Frames 0 ... frame_count - 1; those that were not added count as empty.
  std::string text(int frame_count) const;

 private:
  struct Frame {
    std::string counts;  ///< empty where the object is not visible
    std::array<int, 4> box{};
    size_t area = 0;
  };
  struct Object {
    std::string name;
    std::vector<Frame> frames;
  };

  std::string video_;
  int width_;
  int height_;
  std::vector<Object> objects_;
};

}  // namespace alref::outputs
