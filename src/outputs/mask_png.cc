// SPDX-License-Identifier: Apache-2.0
#include "outputs/mask_png.h"

#include "alref/error.h"

#include <cstdio>

#include "core/atomic_file.h"

namespace alref::outputs {
namespace {

// Masks are long runs: zlib's fastest level is about as small as its best.
constexpr int kCompression = 1;

template <typename Map>
void check_same_size(std::span<const Map> maps) {
  if (maps.empty() || maps.size() > 255) {
    throw Error(ErrorKind::kInvalidArgument,
                "palette PNG: " + std::to_string(maps.size()) + " objects, expected 1 to 255");
  }
  for (const Map& map : maps) {
    if (map.width != maps[0].width || map.height != maps[0].height) {
      throw Error(ErrorKind::kInvalidArgument,
                  "palette PNG: a mask of " + std::to_string(map.width) + " x " +
                      std::to_string(map.height) + " pixels, expected " +
                      std::to_string(maps[0].width) + " x " + std::to_string(maps[0].height) +
                      " as the first one");
    }
  }
}

}  // namespace

std::string mask_path(const std::string& dir, int object, int frame) {
  char name[48];
  std::snprintf(name, sizeof name, "/masks/%d/%05d.png", object, frame);
  return dir + name;
}

std::vector<uint8_t> encode_mask_png(const Mask& mask) {
  media::LabelImage grey(mask.width, mask.height);
  const uint8_t* in = mask.pixels.data();  // read once: bytes may alias the vectors themselves
  uint8_t* out = grey.labels.data();
  const size_t count = mask.pixels.size();
  for (size_t i = 0; i < count; ++i) out[i] = in[i] ? 255 : 0;
  return media::encode_png(grey, kCompression);
}

void write_mask_png(const std::string& path, const Mask& mask) {
  write_file(path, encode_mask_png(mask), Durability::kRenamed);
}

Mask read_mask_png(const std::string& path, int64_t max_pixels) {
  const media::LabelImage labels = media::read_label_png(path, max_pixels);
  Mask mask(labels.width, labels.height);
  for (size_t i = 0; i < mask.pixels.size(); ++i) mask.pixels[i] = labels.labels[i] != 0;
  return mask;
}

const std::vector<media::Rgb>& davis_palette() {
  // The three lowest bits of a label become the highest bits of red, green and blue, the next three
  // the second highest, and so on (VOCcolormap of PASCAL VOC's development kit).
  static const std::vector<media::Rgb> palette = [] {
    std::vector<media::Rgb> colors(256);
    for (unsigned label = 0; label < 256; ++label) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        for (unsigned c = 0; c < 3; ++c) {
          if (label >> (3 * bit + c) & 1) colors[label][c] |= static_cast<uint8_t>(0x80 >> bit);
        }
      }
    }
    return colors;
  }();
  return palette;
}

media::LabelImage merge_logits(std::span<const FloatMap> logits, float background) {
  check_same_size(logits);
  media::LabelImage labels(logits[0].width, logits[0].height);
  labels.palette = davis_palette();
  std::vector<float> best(labels.labels.size(), background);
  for (size_t k = 0; k < logits.size(); ++k) {
    for (size_t i = 0; i < best.size(); ++i) {
      if (logits[k].values[i] > best[i]) {
        best[i] = logits[k].values[i];
        labels.labels[i] = static_cast<uint8_t>(k + 1);
      }
    }
  }
  return labels;
}

media::LabelImage merge_masks(std::span<const Mask> masks) {
  check_same_size(masks);
  media::LabelImage labels(masks[0].width, masks[0].height);
  labels.palette = davis_palette();
  for (size_t k = 0; k < masks.size(); ++k) {
    for (size_t i = 0; i < labels.labels.size(); ++i) {
      if (masks[k].pixels[i] && labels.labels[i] == 0) {
        labels.labels[i] = static_cast<uint8_t>(k + 1);
      }
    }
  }
  return labels;
}

}  // namespace alref::outputs
