// SPDX-License-Identifier: Apache-2.0
#include "media/image_io.h"

#include "alref/error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace alref::media {
namespace {

bool starts_with(std::span<const uint8_t> bytes, std::initializer_list<uint8_t> start) {
  return bytes.size() >= start.size() &&
         std::memcmp(bytes.data(), start.begin(), start.size()) == 0;
}

}  // namespace

std::vector<uint8_t> read_file(const std::string& path, size_t max_bytes) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorKind::kInput, path + ": cannot be read: " + why);
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) fail(std::strerror(errno));
  std::vector<uint8_t> bytes;
  uint8_t part[1 << 16];
  while (const size_t count = std::fread(part, 1, sizeof part, file.get())) {
    if (bytes.size() + count > max_bytes) {
      fail("larger than " + std::to_string(max_bytes) + " bytes");
    }
    bytes.insert(bytes.end(), part, part + count);
  }
  if (std::ferror(file.get())) fail(std::strerror(errno));
  return bytes;
}

Image decode_image(std::span<const uint8_t> bytes, const std::string& name, int64_t max_pixels) {
  if (starts_with(bytes, {0xff, 0xd8})) return decode_jpeg(bytes, name, max_pixels);
  if (starts_with(bytes, {0x89, 'P', 'N', 'G'})) return decode_png(bytes, name, max_pixels);
  throw Error(ErrorKind::kInput,
              name + (bytes.empty() ? ": is empty" : ": is neither a JPEG nor a PNG"));
}

Image read_image(const std::string& path, int64_t max_pixels) {
  return decode_image(read_file(path), path, max_pixels);
}

LabelImage read_label_png(const std::string& path, int64_t max_pixels) {
  return decode_label_png(read_file(path), path, max_pixels);
}

}  // namespace alref::media
