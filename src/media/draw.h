// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <memory>
#include <span>
#include <string>

#include "media/image_io.h"

namespace alref::media {

struct Color {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
  uint8_t alpha = 255;

  friend bool operator==(const Color&, const Color&) = default;
};

/// Green, magenta, orange, blue, red, yellow: of boxes and of objects in this order; more begin
/// again.
Color object_color(int index);

/// A picture to draw on, with Cairo: smooth edges, UTF-8 text in DejaVu Sans. Coordinates in
/// pixels, (0, 0) the upper left corner. Throws Error(kInvalidArgument) for sizes that are not
/// within 1 ... 32767.
class Canvas {
 public:
  Canvas(int width, int height);  ///< transparent
  explicit Canvas(const Image& image);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  void fill(const Box& box, Color color);
  void box(const Box& box, Color color, double line_width = 3);
  /// An image scaled into the box.
  void image(const Image& image, const Box& box);
  void line(std::span<const Point> points, Color color, double line_width = 1);
  void disc(Point center, double radius, Color color);
  /// A filled circle with a number in it that fills about half of it.
  void number(int number, Point center, double radius, Color circle, Color figures);
  /// `at` is the left end of the base line; `size` the height of the letters' box in pixels.
  void text(const std::string& text, Point at, double size, Color color);

  Image to_image() const;  ///< on black
  RgbaImage to_rgba() const;

 private:
  struct Surface;
  std::unique_ptr<Surface> surface_;
};

/// Width in pixels of a text as Canvas::text draws it.
double text_width(const std::string& text, double size);
/// The text, or what fits of its beginning followed by "..." where it is wider than `width`.
std::string fit_text(const std::string& text, double size, double width);

/// Lays `patch` over the image with its upper left corner at (x, y); what lies outside is left
/// away.
void blend(Image& image, const RgbaImage& patch, int x, int y);

/// Tints a mask (of the image's size) with a colour, `strength` 0-1, and draws its outline
/// `outline` pixels wide.
void tint(Image& image, const Mask& mask, Color color, double strength = 0.45, int outline = 2);

}  // namespace alref::media
