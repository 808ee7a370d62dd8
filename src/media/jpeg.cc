// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>

#include <jerror.h>
#include <jpeglib.h>

#include "core/log.h"
#include "media/image_io.h"

// libjpeg reports errors by a callback that must not return: longjmp. Between setjmp and the call
// that may jump no C++ object is made; what owns memory is declared before.
namespace alref::media {
namespace {

// A progressive JPEG of a few kB may ask for thousands of passes over a large picture.
constexpr int kMaxScans = 500;

struct Failure {
  jpeg_error_mgr manager;
  jpeg_progress_mgr progress;
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  char first_warning[JMSG_LENGTH_MAX];
  bool ends_early;    // before the marker that ends a JPEG
  bool data_missing;  // of the picture itself
};

void on_error(j_common_ptr info) {
  auto* failure = reinterpret_cast<Failure*>(info->err);
  info->err->format_message(info, failure->message);
  longjmp(failure->jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // a trace
  auto* failure = reinterpret_cast<Failure*>(info->err);
  failure->ends_early |= info->err->msg_code == JWRN_JPEG_EOF;
  failure->data_missing |= info->err->msg_code == JWRN_HIT_MARKER;
  if (info->err->num_warnings++ == 0) info->err->format_message(info, failure->first_warning);
}

void on_output(j_common_ptr) {}

void on_progress(j_common_ptr info) {
  if (!info->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    auto* failure = reinterpret_cast<Failure*>(info->err);
    std::snprintf(failure->message, sizeof failure->message, "more than %d scans", kMaxScans);
    longjmp(failure->jump, 1);
  }
}

jpeg_error_mgr* prepare(Failure& failure) {
  jpeg_std_error(&failure.manager);
  failure.manager.error_exit = on_error;
  failure.manager.emit_message = on_message;
  failure.manager.output_message = on_output;
  failure.progress.progress_monitor = on_progress;
  failure.message[0] = failure.first_warning[0] = '\0';
  return &failure.manager;
}

class Decompressor {
 public:
  Decompressor() {
    info_.err = prepare(failure_);
    jpeg_create_decompress(&info_);
    info_.progress = &failure_.progress;
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  bool read_header(std::span<const uint8_t> bytes) {
    if (setjmp(failure_.jump)) return false;
    jpeg_mem_src(&info_, bytes.data(), bytes.size());
    jpeg_read_header(&info_, TRUE);
    const bool four = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = four ? JCS_CMYK : JCS_RGB;
    return true;
  }

  bool start() {
    if (setjmp(failure_.jump)) return false;
    jpeg_start_decompress(&info_);
    return true;
  }

  bool read_row(uint8_t* row) {
    if (setjmp(failure_.jump)) return false;
    return jpeg_read_scanlines(&info_, &row, 1) == 1;
  }

  const jpeg_decompress_struct& info() const { return info_; }
  const char* error() const { return failure_.message; }
  const char* warning() const { return failure_.first_warning; }
  /// Some cameras leave out the marker at the end, which loses nothing. Of a progressive picture
  /// whole scans may be lost without a gap in the others.
  bool breaks_off() const {
    return failure_.ends_early && (failure_.data_missing || info_.progressive_mode);
  }

 private:
  jpeg_decompress_struct info_{};
  Failure failure_{};
};

// CMYK as Adobe's programs write it, inverted: white is 255 everywhere.
void cmyk_to_rgb(const uint8_t* from, uint8_t* to, int width, bool inverted) {
  for (int x = 0; x < width; ++x, from += 4, to += 3) {
    for (int c = 0; c < 3; ++c) {
      const int ink = inverted ? from[c] : 255 - from[c];
      const int key = inverted ? from[3] : 255 - from[3];
      to[c] = static_cast<uint8_t>((ink * key + 127) / 255);
    }
  }
}

class Compressor {
 public:
  Compressor() {
    info_.err = prepare(failure_);
    jpeg_create_compress(&info_);
  }
  ~Compressor() {
    jpeg_destroy_compress(&info_);
    std::free(buffer_);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  bool run(const Image& image, int quality) {
    if (setjmp(failure_.jump)) return false;
    jpeg_mem_dest(&info_, &buffer_, &size_);
    info_.image_width = static_cast<JDIMENSION>(image.width);
    info_.image_height = static_cast<JDIMENSION>(image.height);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      auto* row = const_cast<uint8_t*>(image.row(static_cast<int>(info_.next_scanline)));
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::vector<uint8_t> bytes() const { return {buffer_, buffer_ + size_}; }
  const char* error() const { return failure_.message; }

 private:
  jpeg_compress_struct info_{};
  Failure failure_{};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

Image decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int64_t max_pixels) {
  Decompressor decompressor;
  const auto fail = [&] {
    throw Error(ErrorKind::kInput, name + ": not a readable JPEG: " + decompressor.error());
  };
  if (!decompressor.read_header(bytes)) fail();
  const int64_t width = decompressor.info().image_width;
  const int64_t height = decompressor.info().image_height;
  if (width * height > max_pixels) {
    throw Error(ErrorKind::kInput, name + ": " + std::to_string(width) + " x " +
                                       std::to_string(height) + " pixels, at most " +
                                       std::to_string(max_pixels) + " are allowed");
  }
  if (!decompressor.start()) fail();

  Image image(static_cast<int>(width), static_cast<int>(height));
  const bool cmyk = decompressor.info().out_color_space == JCS_CMYK;
  const bool inverted = decompressor.info().saw_Adobe_marker != 0;
  std::vector<uint8_t> four(cmyk ? static_cast<size_t>(width) * 4 : 0);
  for (int y = 0; y < image.height; ++y) {
    if (!decompressor.read_row(cmyk ? four.data() : image.row(y))) fail();
    if (cmyk) cmyk_to_rgb(four.data(), image.row(y), image.width, inverted);
  }
  if (decompressor.breaks_off()) {
    throw Error(ErrorKind::kInput, name + ": not a whole JPEG: it breaks off after " +
                                       std::to_string(bytes.size()) + " bytes");
  }
  if (decompressor.warning()[0] != '\0') {
    log(LogLevel::kWarning, name + ": damaged JPEG: " + decompressor.warning());
  }
  return image;
}

std::vector<uint8_t> encode_jpeg(const Image& image, int quality) {
  if (image.empty() || image.width > JPEG_MAX_DIMENSION || image.height > JPEG_MAX_DIMENSION) {
    throw Error(ErrorKind::kInvalidArgument,
                "encode_jpeg: an image of " + std::to_string(image.width) + " x " +
                    std::to_string(image.height) + " pixels, expected 1 to " +
                    std::to_string(JPEG_MAX_DIMENSION) + " each way");
  }
  Compressor compressor;
  if (!compressor.run(image, quality)) {
    throw Error(ErrorKind::kInvalidArgument, std::string("encode_jpeg: ") + compressor.error());
  }
  return compressor.bytes();
}

}  // namespace alref::media
