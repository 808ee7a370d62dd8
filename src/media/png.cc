// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <png.h>
#include <zlib.h>

#include "media/image_io.h"

// libpng reports errors by longjmp: between setjmp and the call that may jump no C++ object is
// made; what owns memory is declared before.
namespace alref::media {
namespace {

enum class Wanted { kRgb, kRgba, kLabels };

// Text and colour profiles are not ours to read; a picture's other chunks are small.
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;
constexpr png_uint_32 kMaxChunks = 128;

struct Failure {
  char message[200] = {};
};

void on_error(png_structp png, png_const_charp text) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  std::snprintf(failure->message, sizeof failure->message, "%s", text);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : left_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, take);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // ours are on pixels
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_chunk_cache_max(png_, kMaxChunks);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_read_info(png_, info_);
    return true;
  }

  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int color_type() const { return png_get_color_type(png_, info_); }
  int bit_depth() const { return png_get_bit_depth(png_, info_); }

  /// Fills rows[0..height) with 3, 4 or 1 bytes a pixel.
  bool read_rows(Wanted wanted, std::vector<uint8_t*>& rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    if (wanted == Wanted::kLabels) {
      png_set_packing(png_);
      if (color_type() == PNG_COLOR_TYPE_GRAY && bit_depth() < 8)
        png_set_expand_gray_1_2_4_to_8(png_);
    } else {
      png_set_scale_16(png_);
      png_set_expand(png_);
      png_set_gray_to_rgb(png_);
      if (wanted == Wanted::kRgb) {
        png_set_strip_alpha(png_);
      } else {
        png_set_add_alpha(png_, 0xff, PNG_FILLER_AFTER);
      }
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    png_read_image(png_, rows.data());
    return true;
  }

  std::vector<Rgb> palette() const {
    png_colorp colors = nullptr;
    int count = 0;
    std::vector<Rgb> palette;
    if (png_get_PLTE(png_, info_, &colors, &count) != 0) {
      for (int i = 0; i < count; ++i)
        palette.push_back({colors[i].red, colors[i].green, colors[i].blue});
    }
    return palette;
  }

  const char* error() const { return failure_.message; }

 private:
  static void take(png_structp png, png_bytep to, png_size_t count) {
    auto* self = static_cast<Reader*>(png_get_io_ptr(png));
    if (self->left_.size() < count) png_error(png, "the file breaks off");
    std::memcpy(to, self->left_.data(), count);
    self->left_ = self->left_.subspan(count);
  }

  std::span<const uint8_t> left_;
  Failure failure_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

std::string not_a_png(const std::string& name, const Reader& reader) {
  return name + ": not a readable PNG: " + reader.error();
}

// Reads the header and refuses what is too large.
void open_png(Reader& reader, const std::string& name, int64_t max_pixels) {
  if (!reader.read_header()) throw Error(ErrorKind::kInput, not_a_png(name, reader));
  // Both are below 2^31 by the format, so that the product cannot overflow.
  if (reader.width() * reader.height() > max_pixels) {
    throw Error(ErrorKind::kInput, name + ": " + std::to_string(reader.width()) + " x " +
                                       std::to_string(reader.height()) + " pixels, at most " +
                                       std::to_string(max_pixels) + " are allowed");
  }
}

template <typename Picture>
Picture read_pixels(Reader& reader, Wanted wanted, const std::string& name) {
  Picture picture(static_cast<int>(reader.width()), static_cast<int>(reader.height()));
  std::vector<uint8_t*> rows(static_cast<size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) rows[static_cast<size_t>(y)] = picture.row(y);
  if (!reader.read_rows(wanted, rows)) throw Error(ErrorKind::kInput, not_a_png(name, reader));
  return picture;
}

class Writer {
 public:
  Writer() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure_, on_error, on_warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_write_struct(&png_, nullptr);
      throw std::bad_alloc();
    }
  }
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  bool run(int width, int height, int color_type, const std::vector<png_color>& palette,
           int compression, std::vector<uint8_t*>& rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_write_fn(png_, this, put, nullptr);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
                 color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (!palette.empty()) {
      png_set_PLTE(png_, info_, palette.data(), static_cast<int>(palette.size()));
    }
    png_set_compression_level(png_, compression);
    if (color_type == PNG_COLOR_TYPE_GRAY ||
        !palette.empty()) {  // masks and labels: long runs, which filters would only hide
      png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
      png_set_compression_strategy(png_, Z_RLE);
    } else if (compression < 4) {
      png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    }
    png_write_info(png_, info_);
    png_write_image(png_, rows.data());
    png_write_end(png_, info_);
    return true;
  }

  std::vector<uint8_t> take_bytes() { return std::move(bytes_); }
  const char* error() const { return failure_.message; }

 private:
  // Called by C code with a jump buffer set: an exception must not cross it.
  static void put(png_structp png, png_bytep from, png_size_t count) {
    auto* self = static_cast<Writer*>(png_get_io_ptr(png));
    try {
      self->bytes_.insert(self->bytes_.end(), from, from + count);
      return;
    } catch (const std::exception&) {
    }
    png_error(png, "out of memory");
  }

  std::vector<uint8_t> bytes_;
  Failure failure_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

template <typename Picture>
std::vector<uint8_t> write_pixels(const Picture& picture, int color_type,
                                  const std::vector<png_color>& palette, int compression) {
  if (picture.width <= 0 || picture.height <= 0) {
    throw Error(ErrorKind::kInvalidArgument, "encode_png: an image of " +
                                                 std::to_string(picture.width) + " x " +
                                                 std::to_string(picture.height) + " pixels");
  }
  std::vector<uint8_t*> rows(static_cast<size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) {
    rows[static_cast<size_t>(y)] = const_cast<uint8_t*>(picture.row(y));
  }
  Writer writer;
  if (!writer.run(picture.width, picture.height, color_type, palette, compression, rows)) {
    throw Error(ErrorKind::kInvalidArgument, std::string("encode_png: ") + writer.error());
  }
  return writer.take_bytes();
}

}  // namespace

Image decode_png(std::span<const uint8_t> bytes, const std::string& name, int64_t max_pixels) {
  Reader reader(bytes);
  open_png(reader, name, max_pixels);
  return read_pixels<Image>(reader, Wanted::kRgb, name);
}

RgbaImage decode_png_rgba(std::span<const uint8_t> bytes, const std::string& name,
                          int64_t max_pixels) {
  Reader reader(bytes);
  open_png(reader, name, max_pixels);
  return read_pixels<RgbaImage>(reader, Wanted::kRgba, name);
}

LabelImage decode_label_png(std::span<const uint8_t> bytes, const std::string& name,
                            int64_t max_pixels) {
  Reader reader(bytes);
  open_png(reader, name, max_pixels);
  const bool indexed = reader.color_type() == PNG_COLOR_TYPE_PALETTE;
  if (!indexed && (reader.color_type() != PNG_COLOR_TYPE_GRAY || reader.bit_depth() > 8)) {
    throw Error(ErrorKind::kInput, name +
                                       ": expected a palette or 8-bit grey PNG, got colour type " +
                                       std::to_string(reader.color_type()) + " with " +
                                       std::to_string(reader.bit_depth()) + " bits");
  }
  auto labels = read_pixels<LabelImage>(reader, Wanted::kLabels, name);
  if (indexed) labels.palette = reader.palette();
  return labels;
}

std::vector<uint8_t> encode_png(const Image& image, int compression) {
  return write_pixels(image, PNG_COLOR_TYPE_RGB, {}, compression);
}

std::vector<uint8_t> encode_png(const RgbaImage& image, int compression) {
  return write_pixels(image, PNG_COLOR_TYPE_RGB_ALPHA, {}, compression);
}

std::vector<uint8_t> encode_png(const LabelImage& image, int compression) {
  if (image.palette.empty()) return write_pixels(image, PNG_COLOR_TYPE_GRAY, {}, compression);
  if (image.palette.size() > 256) {
    throw Error(ErrorKind::kInvalidArgument, "encode_png: a palette of " +
                                                 std::to_string(image.palette.size()) +
                                                 " colours, expected at most 256");
  }
  std::vector<png_color> palette;
  for (const Rgb& color : image.palette) palette.push_back({color[0], color[1], color[2]});
  const auto largest = std::max_element(image.labels.begin(), image.labels.end());
  if (largest != image.labels.end() && *largest >= palette.size()) {
    throw Error(ErrorKind::kInvalidArgument, "encode_png: label " + std::to_string(*largest) +
                                                 " in a palette of " +
                                                 std::to_string(palette.size()) + " colours");
  }
  return write_pixels(image, PNG_COLOR_TYPE_PALETTE, palette, compression);
}

}  // namespace alref::media
