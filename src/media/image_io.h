// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// JPEG and PNG files. A picture's size is compared with the limit before anything of its size is
// allocated. All readers throw Error(kInput) with the file's name: not such a picture, damaged, or
// too large. A picture that breaks off is an error; other damage within a JPEG, which
// leaves some of it unlike what it was, is logged as a warning.
namespace alref::media {

/// The most pixels (width x height) that a picture or video frame may have unless options say
/// otherwise: 8192 x 8192.
inline constexpr int64_t kMaxPixels = int64_t{1} << 26;

/// An image [height, width, 4], 8-bit sRGB with alpha that is not multiplied in.
struct RgbaImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;

  RgbaImage() = default;
  RgbaImage(int w, int h) : width(w), height(h), pixels(static_cast<size_t>(w) * h * 4) {}

  uint8_t* row(int y) { return pixels.data() + static_cast<size_t>(y) * width * 4; }
  const uint8_t* row(int y) const { return pixels.data() + static_cast<size_t>(y) * width * 4; }
};

using Rgb = std::array<uint8_t, 3>;

/// A map [height, width] of labels: the indices of a palette PNG, or the values of a grey one.
struct LabelImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> labels;
  std::vector<Rgb> palette;  ///< at most 256 colours; empty for a grey picture

  LabelImage() = default;
  LabelImage(int w, int h) : width(w), height(h), labels(static_cast<size_t>(w) * h) {}

  uint8_t* row(int y) { return labels.data() + static_cast<size_t>(y) * width; }
  const uint8_t* row(int y) const { return labels.data() + static_cast<size_t>(y) * width; }
};

/// A whole file. Throws Error(kInput) if it cannot be read or is larger than `max_bytes`.
std::vector<uint8_t> read_file(const std::string& path, size_t max_bytes = size_t{1} << 30);

/// A JPEG or PNG, told apart by its first bytes, as RGB. Alpha is dropped, as Pillow's
/// convert("RGB") does.
Image read_image(const std::string& path, int64_t max_pixels = kMaxPixels);

/// The same of a picture in memory; `name` is for messages.
Image decode_image(std::span<const uint8_t> bytes, const std::string& name,
                   int64_t max_pixels = kMaxPixels);
Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name,
                  int64_t max_pixels = kMaxPixels);
Image decode_png(std::span<const uint8_t> bytes, const std::string& name,
                 int64_t max_pixels = kMaxPixels);
RgbaImage decode_png_rgba(std::span<const uint8_t> bytes, const std::string& name,
                          int64_t max_pixels = kMaxPixels);

/// A palette or 8-bit (or narrower, then scaled to 8 bits) grey PNG without its colours. Other
/// kinds: Error(kInput).
LabelImage decode_label_png(std::span<const uint8_t> bytes, const std::string& name,
                            int64_t max_pixels = kMaxPixels);
LabelImage read_label_png(const std::string& path, int64_t max_pixels = kMaxPixels);

/// Encoders. `compression` is zlib's level, 0-9: frames that are written by the hundred want speed.
std::vector<uint8_t> encode_png(const Image& image, int compression = 6);
std::vector<uint8_t> encode_png(const RgbaImage& image, int compression = 6);
/// 8-bit grey without a palette, else 8-bit palette indices.
std::vector<uint8_t> encode_png(const LabelImage& image, int compression = 6);
/// Baseline JPEG, 4:2:0; `quality` 1-100 as libjpeg means it.
std::vector<uint8_t> encode_jpeg(const Image& image, int quality = 90);

}  // namespace alref::media
