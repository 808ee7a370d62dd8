// SPDX-License-Identifier: Apache-2.0
#include "outputs/cutout.h"

#include "alref/error.h"

#include <cstdio>

#include "core/atomic_file.h"

namespace alref::outputs {
namespace {

constexpr int kCompression =
    3;  // hundreds of frames: zlib's best takes five times as long for a few per cent

}  // namespace

std::string cutout_path(const std::string& dir, int object, int frame) {
  char name[48];
  std::snprintf(name, sizeof name, "/cutout/%d/%05d.png", object, frame);
  return dir + name;
}

media::RgbaImage cut_out(const Image& frame, const Mask& mask) {
  media::RgbaImage out(frame.width, frame.height);
  if (mask.empty()) return out;
  if (mask.width != frame.width || mask.height != frame.height) {
    throw Error(ErrorKind::kInvalidArgument,
                "cut_out: a mask of " + std::to_string(mask.width) + " x " +
                    std::to_string(mask.height) + " pixels, expected " +
                    std::to_string(frame.width) + " x " + std::to_string(frame.height));
  }
  for (size_t i = 0; i < mask.pixels.size(); ++i) {
    if (mask.pixels[i] == 0) continue;
    for (size_t c = 0; c < 3; ++c) out.pixels[4 * i + c] = frame.pixels[3 * i + c];
    out.pixels[4 * i + 3] = 255;
  }
  return out;
}

void write_cutout_png(const std::string& path, const Image& frame, const Mask& mask) {
  write_file(path, media::encode_png(cut_out(frame, mask), kCompression), Durability::kRenamed);
}

}  // namespace alref::outputs
