// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <zlib.h>

#include "media/image_io.h"

namespace {

constexpr size_t kSignature = 8;
constexpr size_t kAroundData = 12;  // length, type, checksum

uint32_t big_endian(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

// Right checksums, or hardly any mutation would come past them.
std::vector<uint8_t> with_checksums(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  for (size_t at = kSignature; at + kAroundData <= size;) {
    const size_t length = big_endian(bytes.data() + at);
    if (length > size - at - kAroundData) break;
    const auto sum =
        static_cast<uint32_t>(crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4)));
    for (size_t i = 0; i < 4; ++i) {
      bytes[at + 8 + length + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    }
    at += kAroundData + length;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes = with_checksums(data, size);
  constexpr int64_t kPixels = 1 << 16;
  try {
    const alref::Image image = alref::media::decode_png(bytes, "input", kPixels);
    if (image.pixels.size() != size_t{3} * image.width * image.height) std::abort();
  } catch (const alref::Error&) {
  }
  try {
    alref::media::decode_png_rgba(bytes, "input", kPixels);
  } catch (const alref::Error&) {
  }
  try {
    alref::media::decode_label_png(bytes, "input", kPixels);
  } catch (const alref::Error&) {
  }
  return 0;
}
