// SPDX-License-Identifier: Apache-2.0
#include "core/packed_mask.h"

#include "alref/error.h"

#include <algorithm>

#include "core/mask_scan.h"

namespace alref {
namespace {

void append_number(std::string& bytes, uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>((number & 0x7f) | 0x80);
  bytes += static_cast<char>(number);
}

/// The number at `position`, which moves on; false where the bytes end within it or it is too long.
bool read_number(const std::string& bytes, size_t& position, uint64_t& number) {
  number = 0;
  for (int shift = 0; position < bytes.size() && shift < 63; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[position++]);
    number |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

PackedMask::PackedMask(const Mask& mask) : width_(mask.width), height_(mask.height) {
  const uint8_t* pixels = mask.pixels.data();
  const size_t count = mask.pixels.size();
  if (count > 0 && pixels[0] != 0) append_number(bytes_, 0);  // the first run is one of zeros
  for (size_t at = 0; at < count;) {
    const size_t run = run_length(pixels + at, count - at);
    append_number(bytes_, run);
    at += run;
  }
}

PackedMask::PackedMask(int width, int height, std::string bytes)
    : width_(width), height_(height), bytes_(std::move(bytes)) {
  const uint64_t pixels = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
  uint64_t total = 0, run = 0;
  bool whole = width >= 0 && height >= 0;
  for (size_t at = 0; whole && at < bytes_.size(); total += run) {
    whole = read_number(bytes_, at, run) && run <= pixels - total;
  }
  if (!whole || total != pixels) {
    throw Error(ErrorKind::kInput, "packed mask: runs do not make up " + std::to_string(width) +
                                       " x " + std::to_string(height) + " pixels");
  }
}

Mask PackedMask::unpack() const {
  Mask mask(width_, height_);
  auto out = mask.pixels.begin();
  uint64_t run = 0;
  uint8_t value = 0;
  for (size_t at = 0; at < bytes_.size() && read_number(bytes_, at, run); value = !value) {
    out = std::fill_n(out, run, value);
  }
  return mask;
}

size_t PackedMask::area() const {
  size_t area = 0;
  uint64_t run = 0;
  bool on = false;
  for (size_t at = 0; at < bytes_.size() && read_number(bytes_, at, run); on = !on)
    area += on ? run : 0;
  return area;
}

}  // namespace alref
