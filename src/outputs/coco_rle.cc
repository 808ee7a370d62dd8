// SPDX-License-Identifier: Apache-2.0
#include "outputs/coco_rle.h"

#include "alref/error.h"

#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "core/mask_scan.h"

namespace alref::outputs {
namespace {

// The columns [x, x + width) of a mask one after the other.
std::vector<uint8_t> columns_of(const Mask& mask, int x, int width) {
  constexpr int kTile = 16;  // of rows, so that what is written stays in the cache
  const auto height = static_cast<size_t>(mask.height);
  std::vector<uint8_t> columns(static_cast<size_t>(width) * height);
  for (int y0 = 0; y0 < mask.height; y0 += kTile) {
    for (int i = 0; i < width; ++i) {
      uint8_t* column = columns.data() + static_cast<size_t>(i) * height;
      for (int y = y0; y < std::min(y0 + kTile, mask.height); ++y) column[y] = mask.row(y)[x + i];
    }
  }
  return columns;
}

// Lengths of the runs of zeros, ones, zeros, ... column by column.
std::vector<int64_t> runs_of(const Mask& mask) {
  const auto [x, y, width, height] = box_of(mask);
  const auto rows = static_cast<int64_t>(mask.height);
  if (width == 0) return {mask.width * rows};
  const std::vector<uint8_t> columns = columns_of(mask, x, width);
  std::vector<int64_t> runs = {x * rows};
  for (size_t at = 0; at < columns.size();) {
    const size_t run = run_length(columns.data() + at, columns.size() - at);
    const bool on = columns[at] != 0;
    at += run;
    // Runs of ones stand at odd places.
    if (on == (runs.size() % 2 == 0)) {
      runs.back() += static_cast<int64_t>(run);
    } else {
      runs.push_back(static_cast<int64_t>(run));
    }
  }
  const int64_t after = (mask.width - x - width) * rows;
  if (runs.size() % 2 == 1) {
    runs.back() += after;
  } else if (after > 0) {
    runs.push_back(after);
  }
  return runs;
}

std::string text_of(const std::vector<int64_t>& runs) {
  std::string text;
  for (size_t i = 0; i < runs.size(); ++i) {
    int64_t value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    for (bool more = true; more;) {
      int64_t group = value & 0x1f;
      value >>= 5;
      more = (group & 0x10) != 0 ? value != -1 : value != 0;
      if (more) group |= 0x20;
      text.push_back(static_cast<char>(group + 48));
    }
  }
  return text;
}

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kInput, "COCO RLE: " + what);
}

}  // namespace

Rle encode_rle(const Mask& mask) { return {mask.height, mask.width, text_of(runs_of(mask))}; }

Mask decode_rle(const Rle& rle, int64_t max_pixels) {
  if (rle.height < 0 || rle.width < 0 || int64_t{rle.height} * rle.width > max_pixels) {
    fail("a mask of " + std::to_string(rle.width) + " x " + std::to_string(rle.height) +
         " pixels, at most " + std::to_string(max_pixels) + " are allowed");
  }
  const int64_t pixels = int64_t{rle.height} * rle.width;
  std::vector<uint8_t> columns(static_cast<size_t>(pixels));
  int64_t before[2] = {0, 0};  // the runs one and two before
  int64_t at = 0;
  size_t index = 0;
  for (size_t i = 0; i < rle.counts.size(); ++index) {
    int64_t value = 0;
    for (int shift = 0;; shift += 5) {
      if (i == rle.counts.size()) fail("the text breaks off within a run");
      const int group = rle.counts[i++] - 48;
      if (group < 0 || group > 63) fail("a character outside of its code");
      if (shift > 35) fail("a run longer than any mask");
      value |= int64_t{group & 0x1f} << shift;
      if ((group & 0x20) == 0) {
        if ((group & 0x10) != 0) value -= int64_t{1} << (shift + 5);
        break;
      }
    }
    if (index > 2) value += before[1];
    if (value < 0 || value > pixels - at) {
      fail("run " + std::to_string(index) + " has " + std::to_string(value) + " pixels, " +
           std::to_string(pixels - at) + " are left");
    }
    if (index % 2 == 1 && value > 0)
      std::memset(columns.data() + at, 1, static_cast<size_t>(value));
    at += value;
    before[1] = before[0];
    before[0] = value;
  }
  if (at != pixels) {
    fail("runs of " + std::to_string(at) + " pixels, expected " + std::to_string(pixels));
  }
  Mask mask(rle.width, rle.height);
  for (int y = 0; y < mask.height; ++y) {
    uint8_t* row = mask.row(y);
    for (int x = 0; x < mask.width; ++x) {
      row[x] = columns[static_cast<size_t>(x) * static_cast<size_t>(mask.height) +
                       static_cast<size_t>(y)];
    }
  }
  return mask;
}

int MasksJson::add_object(std::string name) {
  objects_.push_back({std::move(name), {}});
  return static_cast<int>(objects_.size()) - 1;
}

void MasksJson::add(int object, int frame, const Mask& mask) {
  if (object < 0 || static_cast<size_t>(object) >= objects_.size() || frame < 0 ||
      mask.width != width_ || mask.height != height_) {
    throw Error(ErrorKind::kInvalidArgument,
                "masks.json: object " + std::to_string(object) + ", frame " +
                    std::to_string(frame) + ", " + std::to_string(mask.width) + " x " +
                    std::to_string(mask.height) + " pixels, expected one of " +
                    std::to_string(objects_.size()) + " objects and " + std::to_string(width_) +
                    " x " + std::to_string(height_) + " pixels");
  }
  std::vector<Frame>& frames = objects_[static_cast<size_t>(object)].frames;
  if (frames.size() <= static_cast<size_t>(frame)) frames.resize(static_cast<size_t>(frame) + 1);
  Frame& entry = frames[static_cast<size_t>(frame)];
  entry = {};
  entry.area = mask.area();
  if (entry.area == 0) return;
  entry.box = box_of(mask);
  entry.counts = encode_rle(mask).counts;
}

std::string MasksJson::text(int frame_count) const {
  using Json = nlohmann::ordered_json;
  Json root;
  root["videos"] = Json::array({{{"id", 1},
                                 {"file_names", Json::array({video_})},
                                 {"width", width_},
                                 {"height", height_},
                                 {"length", frame_count}}});
  root["categories"] = Json::array();
  root["annotations"] = Json::array();
  for (size_t k = 0; k < objects_.size(); ++k) {
    root["categories"].push_back({{"id", k + 1}, {"name", objects_[k].name}});
    Json segmentations = Json::array(), boxes = Json::array(), areas = Json::array();
    for (size_t i = 0; i < static_cast<size_t>(std::max(frame_count, 0)); ++i) {
      const Frame frame = i < objects_[k].frames.size() ? objects_[k].frames[i] : Frame{};
      if (frame.area == 0) {
        segmentations.push_back(nullptr);
        boxes.push_back(nullptr);
        areas.push_back(nullptr);
      } else {
        segmentations.push_back({{"size", {height_, width_}}, {"counts", frame.counts}});
        boxes.push_back(frame.box);
        areas.push_back(frame.area);
      }
    }
    root["annotations"].push_back({{"id", k + 1},
                                   {"video_id", 1},
                                   {"category_id", k + 1},
                                   {"iscrowd", 0},
                                   {"width", width_},
                                   {"height", height_},
                                   {"length", frame_count},
                                   {"segmentations", std::move(segmentations)},
                                   {"bboxes", std::move(boxes)},
                                   {"areas", std::move(areas)}});
  }
  // Names may come from anywhere: what is not UTF-8 is replaced, not thrown at.
  return root.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace alref::outputs
