// SPDX-License-Identifier: Apache-2.0
#include "reasoning/frame_strip.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include <cairo.h>

namespace alref::reasoning {
namespace {

// Points at 100 dots an inch, in pixels.
constexpr double kPoint = 100.0 / 72;
constexpr double kBoxLine = 3 * kPoint;
constexpr double kCircleLine = 2 * kPoint;
constexpr double kFrameFigure = 15 * kPoint;
constexpr double kBoxFigure = 12 * kPoint;
constexpr BoxColour kFrameNumberColour = {"steel blue", 0.122, 0.467, 0.706};

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using Context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

Surface new_surface(int width, int height) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height),
                  &cairo_surface_destroy);
  if (const cairo_status_t status = cairo_surface_status(surface.get());
      status != CAIRO_STATUS_SUCCESS) {
    throw Error(ErrorKind::kInput, "strip of " + std::to_string(width) + " x " +
                                       std::to_string(height) +
                                       " pixels: " + cairo_status_to_string(status));
  }
  return surface;
}

// Cairo's RGB24 is 0x00RRGGBB in the machine's byte order.
Surface to_surface(const Image& image) {
  Surface surface = new_surface(image.width, image.height);
  uint8_t* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* in = image.row(y);
    auto* out = reinterpret_cast<uint32_t*>(data + static_cast<size_t>(y) * stride);
    for (int x = 0; x < image.width; ++x, in += 3)
      out[x] = uint32_t{in[0]} << 16 | uint32_t{in[1]} << 8 | in[2];
  }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

Image to_image(cairo_surface_t* surface) {
  cairo_surface_flush(surface);
  Image image(cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface));
  const uint8_t* data = cairo_image_surface_get_data(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  for (int y = 0; y < image.height; ++y) {
    const auto* in = reinterpret_cast<const uint32_t*>(data + static_cast<size_t>(y) * stride);
    uint8_t* out = image.row(y);
    for (int x = 0; x < image.width; ++x, out += 3) {
      out[0] = static_cast<uint8_t>(in[x] >> 16);
      out[1] = static_cast<uint8_t>(in[x] >> 8);
      out[2] = static_cast<uint8_t>(in[x]);
    }
  }
  return image;
}

/// A filled circle with a white rim and a number; all in pixels of the strip.
void draw_number(cairo_t* cairo, double x, double y, double radius, const BoxColour& fill,
                 int number, double figure_size) {
  cairo_arc(cairo, x, y, radius, 0, 2 * std::numbers::pi);
  cairo_set_source_rgb(cairo, fill.red, fill.green, fill.blue);
  cairo_fill_preserve(cairo);
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_set_line_width(cairo, kCircleLine);
  cairo_stroke(cairo);
  const std::string text = std::to_string(number);
  cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, figure_size);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, text.c_str(), &extents);
  cairo_move_to(cairo, x - extents.x_bearing - extents.width / 2,
                y - extents.y_bearing - extents.height / 2);
  cairo_show_text(cairo, text.c_str());
  cairo_new_path(cairo);
}

}  // namespace

Image draw_strip(std::span<const std::shared_ptr<const Image>> frames, const StripStyle& style,
                 const std::optional<MarkedBoxes>& marks) {
  if (frames.empty() || (marks && marks->boxes.size() > kBoxColours.size())) {
    throw Error(ErrorKind::kInvalidArgument, "strip: expected at least one frame and at most " +
                                                 std::to_string(kBoxColours.size()) +
                                                 " boxes, got " + std::to_string(frames.size()) +
                                                 " and " +
                                                 std::to_string(marks ? marks->boxes.size() : 0));
  }
  const double scale = static_cast<double>(style.frame_width) / frames[0]->width;
  const int frame_height = std::max(1, static_cast<int>(std::lround(frames[0]->height * scale)));
  const int count = static_cast<int>(frames.size());
  const int columns = std::min(style.columns, count);
  const int rows = (count + columns - 1) / columns;
  const Surface strip = new_surface(columns * style.frame_width, rows * frame_height);
  const Context context(cairo_create(strip.get()), &cairo_destroy);
  cairo_t* cairo = context.get();

  for (int i = 0; i < count; ++i) {
    cairo_save(cairo);
    const int x = i % columns * style.frame_width, y = i / columns * frame_height;
    cairo_translate(cairo, x, y);
    cairo_rectangle(cairo, 0, 0, style.frame_width, frame_height);
    cairo_clip(cairo);
    cairo_save(cairo);
    cairo_scale(cairo, scale, scale);
    const Surface frame = to_surface(*frames[static_cast<size_t>(i)]);
    cairo_set_source_surface(cairo, frame.get(), 0, 0);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_GOOD);
    cairo_paint(cairo);
    cairo_restore(cairo);
    draw_number(cairo, style.number_centre * scale, style.number_centre * scale,
                style.number_radius * scale, kFrameNumberColour, i + 1, kFrameFigure);
    if (marks && marks->frame == i + 1) {
      for (size_t b = 0; b < marks->boxes.size(); ++b) {
        const Box& box = marks->boxes[b];
        const BoxColour& colour = kBoxColours[b];
        cairo_rectangle(cairo, box.x0 * scale, box.y0 * scale, box.width() * scale,
                        box.height() * scale);
        cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
        cairo_set_line_width(cairo, kBoxLine);
        cairo_stroke(cairo);
        const double radius = style.box_number_radius;
        draw_number(cairo, (box.x1 - radius) * scale, (box.y1 - radius) * scale, radius * scale,
                    colour, static_cast<int>(b) + 1, kBoxFigure);
      }
    }
    cairo_restore(cairo);
  }
  return to_image(strip.get());
}

Image shrink_to(const Image& image, int side) {
  const int longer = std::max(image.width, image.height);
  if (longer <= side) return image;
  const double scale = static_cast<double>(side) / longer;
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length * scale)));
  };
  const Surface small = new_surface(scaled(image.width), scaled(image.height));
  const Context cairo(cairo_create(small.get()), &cairo_destroy);
  const Surface source = to_surface(image);
  cairo_scale(cairo.get(), scale, scale);
  cairo_set_source_surface(cairo.get(), source.get(), 0, 0);
  cairo_pattern_set_extend(cairo_get_source(cairo.get()), CAIRO_EXTEND_PAD);
  cairo_pattern_set_filter(cairo_get_source(cairo.get()), CAIRO_FILTER_GOOD);
  cairo_paint(cairo.get());
  return to_image(small.get());
}

}  // namespace alref::reasoning
