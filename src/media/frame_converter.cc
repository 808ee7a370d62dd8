// SPDX-License-Identifier: Apache-2.0
#include "media/frame_converter.h"

#include "alref/error.h"

#include <cstring>
#include <new>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

namespace alref::media {
namespace {

// The old names of full-range formats make libswscale complain; the range is set apart.
AVPixelFormat without_range(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ411P:
      return AV_PIX_FMT_YUV411P;
    case AV_PIX_FMT_YUVJ422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      return AV_PIX_FMT_YUV440P;
    default:
      return format;
  }
}

bool is_full_range(const AVFrame& frame) {
  return frame.color_range == AVCOL_RANGE_JPEG ||
         without_range(static_cast<AVPixelFormat>(frame.format)) != frame.format;
}

// Files that do not say are taken as FFmpeg's own programs take them: BT.601.
int colorspace_of(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    default:
      return SWS_CS_ITU601;
  }
}

}  // namespace

Orientation orientation_of(const AVStream& stream) {
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (data == nullptr || size < 9 * sizeof(int32_t)) return {};
  int32_t m[9];
  std::memcpy(m, data, sizeof m);
  // (x', y') = (a x + c y, b x + d y) with m = {a, b, u, c, d, v, ...}.
  const auto a = m[0], b = m[1], c = m[3], d = m[4];
  if (b == 0 && c == 0 && a != 0 && d != 0) return {false, a < 0, d < 0};
  if (a == 0 && d == 0 && b != 0 && c != 0) return {true, c < 0, b < 0};
  return {};
}

Image FrameConverter::convert(const AVFrame& frame) {
  const int stored_width = orientation_.transpose ? height_ : width_;
  const int stored_height = orientation_.transpose ? width_ : height_;
  const auto format = without_range(static_cast<AVPixelFormat>(frame.format));

  SwsContext* const before = scaler_.get();
  scaler_.reset(sws_getCachedContext(scaler_.release(), frame.width, frame.height, format,
                                     stored_width, stored_height, AV_PIX_FMT_RGB24, SWS_BICUBIC,
                                     nullptr, nullptr, nullptr));
  if (!scaler_) {
    const char* name = av_get_pix_fmt_name(format);
    throw Error(ErrorKind::kInput, std::string("pixel format '") + (name ? name : "unknown") +
                                       "' cannot be converted to RGB");
  }
  const int colorspace = colorspace_of(frame);
  const int range = is_full_range(frame) ? 1 : 0;
  if (scaler_.get() != before || colorspace != colorspace_ || range != range_) {
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(colorspace), range,
                             sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    colorspace_ = colorspace;
    range_ = range;
  }

  // libswscale writes past the end of rows that are not padded.
  if (!rgb_) {
    rgb_ = make_frame();
    rgb_->format = AV_PIX_FMT_RGB24;
    rgb_->width = stored_width;
    rgb_->height = stored_height;
    if (av_frame_get_buffer(rgb_.get(), 0) < 0) throw std::bad_alloc();
  }
  sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb_->data, rgb_->linesize);

  Image image(width_, height_);
  for (int y = 0; y < height_; ++y) {
    uint8_t* to = image.row(y);
    const int from_y = orientation_.flip_y ? height_ - 1 - y : y;
    if (!orientation_.transpose && !orientation_.flip_x) {
      std::memcpy(to, rgb_->data[0] + static_cast<ptrdiff_t>(from_y) * rgb_->linesize[0],
                  static_cast<size_t>(width_) * 3);
      continue;
    }
    for (int x = 0; x < width_; ++x, to += 3) {
      const int from_x = orientation_.flip_x ? width_ - 1 - x : x;
      const int row = orientation_.transpose ? from_x : from_y;
      const int column = orientation_.transpose ? from_y : from_x;
      std::memcpy(to, rgb_->data[0] + static_cast<ptrdiff_t>(row) * rgb_->linesize[0] + column * 3,
                  3);
    }
  }
  return image;
}

}  // namespace alref::media
