// SPDX-License-Identifier: Apache-2.0
#include "media/draw.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <numbers>

#include <cairo.h>

#include "core/mask_scan.h"

namespace alref::media {
namespace {

constexpr int kMaxSide = 32767;  // Cairo's own limit
constexpr char kFont[] = "DejaVu Sans";

struct CairoDeleter {
  void operator()(cairo_t* p) const { cairo_destroy(p); }
  void operator()(cairo_surface_t* p) const { cairo_surface_destroy(p); }
};
using SurfacePtr = std::unique_ptr<cairo_surface_t, CairoDeleter>;
using ContextPtr = std::unique_ptr<cairo_t, CairoDeleter>;

SurfacePtr make_surface(int width, int height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw Error(ErrorKind::kInvalidArgument,
                "Canvas: " + std::to_string(width) + " x " + std::to_string(height) +
                    " pixels, expected 1 to " + std::to_string(kMaxSide) + " each way");
  }
  SurfacePtr surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height));
  if (cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS) throw std::bad_alloc();
  return surface;
}

SurfacePtr surface_of(const Image& image) {
  SurfacePtr surface = make_surface(image.width, image.height);
  unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* from = image.row(y);
    unsigned char* row = data + static_cast<ptrdiff_t>(y) * stride;
    for (int x = 0; x < image.width; ++x, from += 3) {
      const uint32_t pixel =
          0xff000000u | uint32_t{from[0]} << 16 | uint32_t{from[1]} << 8 | from[2];
      std::memcpy(row + x * 4, &pixel, 4);
    }
  }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

void set_color(cairo_t* cairo, Color color) {
  cairo_set_source_rgba(cairo, color.red / 255.0, color.green / 255.0, color.blue / 255.0,
                        color.alpha / 255.0);
}

void set_font(cairo_t* cairo, double size) {
  cairo_select_font_face(cairo, kFont, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
}

// Cairo refuses a whole text for one byte that is not UTF-8: such bytes become question marks.
std::string valid_utf8(const std::string& text) {
  std::string valid;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xc2 && lead < 0xe0 ? 2
                          : lead >= 0xe0 && lead < 0xf0 ? 3
                          : lead >= 0xf0 && lead < 0xf5 ? 4
                                                        : 0;
    bool good = length > 0 && i + length <= text.size() && lead >= 0x20;
    for (size_t k = 1; good && k < length; ++k) good = (text[i + k] & 0xc0) == 0x80;
    if (good) {
      valid.append(text, i, length);
      i += length;
    } else {
      valid.push_back(lead == '\n' || lead == '\t' ? ' ' : '?');
      ++i;
    }
  }
  return valid;
}

}  // namespace

struct Canvas::Surface {
  SurfacePtr surface;
  ContextPtr cairo;

  explicit Surface(SurfacePtr from) : surface(std::move(from)), cairo(cairo_create(surface.get())) {
    if (cairo_status(cairo.get()) != CAIRO_STATUS_SUCCESS) throw std::bad_alloc();
  }
  int width() const { return cairo_image_surface_get_width(surface.get()); }
  int height() const { return cairo_image_surface_get_height(surface.get()); }
  // The pixel at (x, y): alpha, red, green, blue from the highest byte down, colours multiplied by
  // alpha.
  uint32_t pixel(int x, int y) const {
    uint32_t value = 0;
    const unsigned char* data = cairo_image_surface_get_data(surface.get());
    std::memcpy(
        &value,
        data + static_cast<ptrdiff_t>(y) * cairo_image_surface_get_stride(surface.get()) + x * 4,
        4);
    return value;
  }
};

Color object_color(int index) {
  static constexpr std::array<Color, 6> kColors = {
      {{0, 128, 0}, {255, 0, 255}, {255, 165, 0}, {0, 0, 255}, {255, 0, 0}, {255, 255, 0}}};
  return kColors[static_cast<size_t>(index) % kColors.size()];
}

Canvas::Canvas(int width, int height)
    : surface_(std::make_unique<Surface>(make_surface(width, height))) {}
Canvas::Canvas(const Image& image) : surface_(std::make_unique<Surface>(surface_of(image))) {}
Canvas::~Canvas() = default;

void Canvas::fill(const Box& box, Color color) {
  set_color(surface_->cairo.get(), color);
  cairo_rectangle(surface_->cairo.get(), box.x0, box.y0, box.width(), box.height());
  cairo_fill(surface_->cairo.get());
}

void Canvas::box(const Box& box, Color color, double line_width) {
  set_color(surface_->cairo.get(), color);
  cairo_set_line_width(surface_->cairo.get(), line_width);
  cairo_rectangle(surface_->cairo.get(), box.x0, box.y0, box.width(), box.height());
  cairo_stroke(surface_->cairo.get());
}

void Canvas::image(const Image& image, const Box& box) {
  const SurfacePtr source = surface_of(image);
  cairo_t* cairo = surface_->cairo.get();
  cairo_save(cairo);
  cairo_translate(cairo, box.x0, box.y0);
  cairo_scale(cairo, box.width() / image.width, box.height() / image.height);
  cairo_set_source_surface(cairo, source.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
  cairo_rectangle(cairo, 0, 0, image.width, image.height);
  cairo_fill(cairo);
  cairo_restore(cairo);
}

void Canvas::line(std::span<const Point> points, Color color, double line_width) {
  cairo_t* cairo = surface_->cairo.get();
  set_color(cairo, color);
  cairo_set_line_width(cairo, line_width);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  for (const Point& point : points) cairo_line_to(cairo, point.x, point.y);
  cairo_stroke(cairo);
}

void Canvas::disc(Point center, double radius, Color color) {
  set_color(surface_->cairo.get(), color);
  cairo_arc(surface_->cairo.get(), center.x, center.y, radius, 0, 2 * std::numbers::pi);
  cairo_fill(surface_->cairo.get());
}

void Canvas::number(int number, Point center, double radius, Color circle, Color figures) {
  disc(center, radius, circle);
  cairo_t* cairo = surface_->cairo.get();
  const std::string digits = std::to_string(number);
  set_font(cairo, radius * (digits.size() > 2 ? 0.8 : 1.1));
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, digits.c_str(), &extents);
  set_color(cairo, figures);
  cairo_move_to(cairo, center.x - extents.width / 2 - extents.x_bearing,
                center.y - extents.height / 2 - extents.y_bearing);
  cairo_show_text(cairo, digits.c_str());
  cairo_new_path(cairo);
}

void Canvas::text(const std::string& text, Point at, double size, Color color) {
  cairo_t* cairo = surface_->cairo.get();
  set_font(cairo, size);
  set_color(cairo, color);
  cairo_move_to(cairo, at.x, at.y);
  cairo_show_text(cairo, valid_utf8(text).c_str());
  cairo_new_path(cairo);
}

Image Canvas::to_image() const {
  cairo_surface_flush(surface_->surface.get());
  Image image(surface_->width(), surface_->height());
  for (int y = 0; y < image.height; ++y) {
    uint8_t* to = image.row(y);
    for (int x = 0; x < image.width; ++x, to += 3) {
      const uint32_t pixel = surface_->pixel(x, y);
      to[0] = static_cast<uint8_t>(pixel >> 16);
      to[1] = static_cast<uint8_t>(pixel >> 8);
      to[2] = static_cast<uint8_t>(pixel);
    }
  }
  return image;
}

RgbaImage Canvas::to_rgba() const {
  cairo_surface_flush(surface_->surface.get());
  RgbaImage image(surface_->width(), surface_->height());
  for (int y = 0; y < image.height; ++y) {
    uint8_t* to = image.row(y);
    for (int x = 0; x < image.width; ++x, to += 4) {
      const uint32_t pixel = surface_->pixel(x, y);
      const uint32_t alpha = pixel >> 24;
      to[3] = static_cast<uint8_t>(alpha);
      for (int c = 0; c < 3 && alpha > 0; ++c) {
        to[c] = static_cast<uint8_t>(
            std::min(255u, ((pixel >> (16 - 8 * c) & 0xff) * 255 + alpha / 2) / alpha));
      }
    }
  }
  return image;
}

double text_width(const std::string& text, double size) {
  const SurfacePtr surface = make_surface(1, 1);
  const ContextPtr cairo(cairo_create(surface.get()));
  set_font(cairo.get(), size);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo.get(), valid_utf8(text).c_str(), &extents);
  return extents.x_advance;
}

std::string fit_text(const std::string& text, double size, double width) {
  if (text_width(text, size) <= width) return text;
  // The longest beginning that fits: widths rise with length.
  size_t fits = 0, too_long = text.size();
  while (fits + 1 < too_long) {
    const size_t middle = (fits + too_long) / 2;
    (text_width(text.substr(0, middle) + "...", size) <= width ? fits : too_long) = middle;
  }
  while (fits > 0 && (text[fits] & 0xc0) == 0x80) --fits;  // not within a character
  return text.substr(0, fits) + "...";
}

void blend(Image& image, const RgbaImage& patch, int x, int y) {
  const int left = std::max(x, 0), right = std::min(x + patch.width, image.width);
  for (int row = std::max(y, 0); row < std::min(y + patch.height, image.height); ++row) {
    const uint8_t* from = patch.row(row - y) + static_cast<ptrdiff_t>(left - x) * 4;
    uint8_t* to = image.row(row) + static_cast<ptrdiff_t>(left) * 3;
    for (int column = left; column < right; ++column, from += 4, to += 3) {
      for (int c = 0; c < 3; ++c) {
        to[c] = static_cast<uint8_t>((from[c] * from[3] + to[c] * (255 - from[3]) + 127) / 255);
      }
    }
  }
}

void tint(Image& image, const Mask& mask, Color color, double strength, int outline) {
  if (mask.width != image.width || mask.height != image.height) {
    throw Error(ErrorKind::kInvalidArgument,
                "tint: a mask of " + std::to_string(mask.width) + " x " +
                    std::to_string(mask.height) + " pixels, expected " +
                    std::to_string(image.width) + " x " + std::to_string(image.height));
  }
  const int share = static_cast<int>(std::lround(std::clamp(strength, 0.0, 1.0) * 256));
  const int colors[3] = {color.red, color.green, color.blue};
  for (int y = 0; y < mask.height; ++y) {
    const uint8_t* row = mask.row(y);
    const auto width = static_cast<size_t>(mask.width);
    const auto first = static_cast<int>(first_on(row, width));
    const auto end = static_cast<int>(last_on(row, width));
    // A pixel is on the outline if one `outline` pixels away on either axis is not in the mask; the
    // picture's border counts as inside, or a large object would be framed.
    const uint8_t* above = mask.row(std::max(y - outline, 0));
    const uint8_t* below = mask.row(std::min(y + outline, mask.height - 1));
    uint8_t* pixel = image.row(y);
    for (int x = first; x < end; ++x) {
      if (row[x] == 0) continue;
      const bool inside = row[std::max(x - outline, 0)] &&
                          row[std::min(x + outline, mask.width - 1)] && above[x] && below[x];
      for (int c = 0; c < 3; ++c) {
        uint8_t& value = pixel[3 * x + c];
        value = static_cast<uint8_t>(inside ? (value * (256 - share) + colors[c] * share) >> 8
                                            : colors[c]);
      }
    }
  }
}

}  // namespace alref::media
