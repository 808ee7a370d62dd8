// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace alref {

/// A point in pixels; (0, 0) is the upper left corner of the upper left pixel.
struct Point {
  float x = 0;
  float y = 0;

  friend bool operator==(const Point&, const Point&) = default;
};

/// An axis-aligned box in pixels, half-open: x0 <= x < x1, y0 <= y < y1.
struct Box {
  float x0 = 0;
  float y0 = 0;
  float x1 = 0;
  float y1 = 0;

  float width() const { return x1 - x0; }
  float height() const { return y1 - y0; }
  float area() const { return width() > 0 && height() > 0 ? width() * height() : 0; }

  friend bool operator==(const Box&, const Box&) = default;
};

/// Intersection over union of two boxes, in [0, 1]; 0 where both are empty.
float iou(const Box& a, const Box& b);

/// An image [height, width, 3], 8-bit sRGB, rows without padding.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;

  Image() = default;
  Image(int w, int h) : width(w), height(h), pixels(static_cast<size_t>(w) * h * 3) {}

  bool empty() const { return pixels.empty(); }
  uint8_t* row(int y) { return pixels.data() + static_cast<size_t>(y) * width * 3; }
  const uint8_t* row(int y) const { return pixels.data() + static_cast<size_t>(y) * width * 3; }
};

/// A binary mask [height, width]: 1 on the object, else 0.
struct Mask {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;

  Mask() = default;
  Mask(int w, int h) : width(w), height(h), pixels(static_cast<size_t>(w) * h) {}

  bool empty() const { return pixels.empty(); }
  uint8_t* row(int y) { return pixels.data() + static_cast<size_t>(y) * width; }
  const uint8_t* row(int y) const { return pixels.data() + static_cast<size_t>(y) * width; }
  /// Number of pixels on the object.
  size_t area() const;

  friend bool operator==(const Mask&, const Mask&) = default;
};

/// A map [height, width] of 32-bit floats: mask logits, or any other per-pixel value.
struct FloatMap {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  FloatMap() = default;
  FloatMap(int w, int h) : width(w), height(h), values(static_cast<size_t>(w) * h) {}

  float* row(int y) { return values.data() + static_cast<size_t>(y) * width; }
  const float* row(int y) const { return values.data() + static_cast<size_t>(y) * width; }
};

/// 1 where logits are above 0.
Mask positive(const FloatMap& logits);

/// A sound: `channels` interleaved, samples in [-1, 1].
struct Waveform {
  int sample_rate = 0;
  int channels = 1;
  std::vector<float> samples;

  double seconds() const {
    return sample_rate > 0 ? static_cast<double>(samples.size()) / channels / sample_rate : 0;
  }
};

/// A box that a detector found, with the phrase of the caption that it stands for.
struct Detection {
  Box box;                   ///< in pixels of the image
  float score = 0;           ///< in [0, 1]
  std::string phrase;        ///< the caption's words for it
  size_t phrase_offset = 0;  ///< byte offset of `phrase` in the caption (clean labels)
};

/// How numbers are kept inside the networks.
enum class Precision {
  kAuto,  ///< bf16 with f32 accumulation where the processor has instructions for it, else f32
  kF32,
  kBf16,
};

/// Where networks run.
struct DeviceOptions {
  std::string name = "cpu";  ///< "cpu", or a ggml GPU device such as "cuda0", "vulkan0", "metal"
  int threads = 0;           ///< CPU threads; 0: one per core that this process may use
  Precision precision = Precision::kAuto;
};

}  // namespace alref
