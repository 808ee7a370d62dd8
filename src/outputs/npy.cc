// SPDX-License-Identifier: Apache-2.0
#include "outputs/npy.h"

#include "alref/error.h"

#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include <zlib.h>

#include "core/atomic_file.h"
#include "media/image_io.h"

// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
namespace alref::outputs {
namespace {

constexpr char kMagic[] = "\x93NUMPY\x01";  // and a zero byte: version 1.0
constexpr size_t kMagicBytes = 8;
constexpr size_t kAlignment = 64;
constexpr int kMaxSide = 1 << 16;

std::vector<uint8_t> header(const std::string& shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  text.append(kAlignment - (kMagicBytes + 2 + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::vector<uint8_t> bytes(kMagic, kMagic + kMagicBytes);
  bytes.push_back(static_cast<uint8_t>(text.size() & 0xff));
  bytes.push_back(static_cast<uint8_t>(text.size() >> 8));
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

void append(std::vector<uint8_t>& bytes, const FloatMap& map) {
  const auto* data = reinterpret_cast<const uint8_t*>(map.values.data());
  bytes.insert(bytes.end(), data, data + map.values.size() * sizeof(float));
}

// The sizes in a header of 32-bit floats in C order, spelt as NumPy spells it; none if it is
// anything else.
std::vector<int> shape_of(std::string_view text) {
  constexpr std::string_view kStart = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  constexpr std::string_view kEnd = "), }";
  if (!text.starts_with(kStart)) return {};
  text.remove_prefix(kStart.size());
  const size_t end = text.find(kEnd);
  if (end == text.npos || text.find_first_not_of(" \n", end + kEnd.size()) != text.npos) return {};
  text = text.substr(0, end);
  std::vector<int> shape;
  while (shape.size() < 4) {
    int size = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc()) return {};
    shape.push_back(size);
    text.remove_prefix(static_cast<size_t>(rest - text.data()));
    if (text.empty()) return shape;
    if (!text.starts_with(", ")) return {};
    text.remove_prefix(2);
  }
  return {};
}

std::string size_text(const FloatMap& map) {
  return std::to_string(map.height) + ", " + std::to_string(map.width);
}

}  // namespace

void write_npy(const std::string& path, const FloatMap& map) {
  std::vector<uint8_t> bytes = header(size_text(map));
  append(bytes, map);
  write_file(path, bytes, Durability::kRenamed);
}

void write_npy(const std::string& path, std::span<const FloatMap> maps) {
  if (maps.empty()) throw Error(ErrorKind::kInvalidArgument, path + ": no map to write");
  std::vector<uint8_t> bytes = header(std::to_string(maps.size()) + ", " + size_text(maps.front()));
  for (const FloatMap& map : maps) append(bytes, map);
  write_file(path, bytes, Durability::kRenamed);
}

void write_npz(const std::string& path, std::span<const NamedArray> arrays) {
  // APPNOTE.TXT 4.3.7 and 4.3.12: a header before each file, and all of them once more at the end.
  std::vector<uint8_t> bytes, directory;
  const auto number = [](std::vector<uint8_t>& to, uint64_t value, int count) {
    for (int i = 0; i < count; ++i) to.push_back(static_cast<uint8_t>(value >> (8 * i)));
  };
  for (const NamedArray& array : arrays) {
    std::string shape;
    for (size_t side : array.shape) shape += std::to_string(side) + ", ";
    std::vector<uint8_t> file = header(shape);
    const auto* data = reinterpret_cast<const uint8_t*>(array.values.data());
    file.insert(file.end(), data, data + array.values.size_bytes());
    const std::string name = array.name + ".npy";
    if (bytes.size() + file.size() > std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kOutput, path + ": more than 4 GiB");
    }
    std::vector<uint8_t> common;    // what both headers say
    number(common, 20, 2);          // version needed: 2.0
    number(common, 0, 4);           // no flags, stored
    number(common, 0x00210000, 4);  // 1 January 1980
    number(common, crc32_z(0, file.data(), file.size()), 4);
    number(common, file.size(), 4);
    number(common, file.size(), 4);
    number(common, name.size(), 2);
    number(common, 0, 2);  // no extra field

    number(directory, 0x02014b50, 4);
    number(directory, 20, 2);
    directory.insert(directory.end(), common.begin(), common.end());
    number(directory, 0, 8);  // no comment, first disk, no attributes
    number(directory, 0, 2);
    number(directory, bytes.size(), 4);
    directory.insert(directory.end(), name.begin(), name.end());

    number(bytes, 0x04034b50, 4);
    bytes.insert(bytes.end(), common.begin(), common.end());
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.insert(bytes.end(), file.begin(), file.end());
  }
  const size_t start = bytes.size();
  bytes.insert(bytes.end(), directory.begin(), directory.end());
  number(bytes, 0x06054b50, 4);
  number(bytes, 0, 4);
  number(bytes, arrays.size(), 2);
  number(bytes, arrays.size(), 2);
  number(bytes, directory.size(), 4);
  number(bytes, start, 4);
  number(bytes, 0, 2);
  write_file(path, bytes, Durability::kRenamed);
}

FloatMap read_npy(const std::string& path) { return decode_npy(media::read_file(path), path); }

FloatMap decode_npy(std::span<const uint8_t> bytes, const std::string& name) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kInput, name + ": " + what);
  };
  if (bytes.size() < kMagicBytes + 2 || std::memcmp(bytes.data(), kMagic, kMagicBytes) != 0) {
    fail("no NumPy file of version 1.0");
  }
  const size_t length = bytes[8] + 256u * bytes[9], data = kMagicBytes + 2 + length;
  if (data > bytes.size()) fail("cut short within its header");
  const std::vector<int> shape =
      shape_of({reinterpret_cast<const char*>(bytes.data()) + kMagicBytes + 2, length});
  const bool one_map = shape.size() == 2 || (shape.size() == 3 && shape[0] == 1);
  if (!one_map) fail("expected 32-bit floats [height, width] in C order");
  const int height = shape[shape.size() - 2], width = shape.back();
  if (height < 1 || width < 1 || height > kMaxSide || width > kMaxSide) {
    fail("a map of " + std::to_string(width) + " x " + std::to_string(height));
  }
  const size_t expected = sizeof(float) * static_cast<size_t>(width) * static_cast<size_t>(height);
  if (bytes.size() - data != expected) {
    fail(std::to_string(bytes.size() - data) + " bytes of numbers, expected " +
         std::to_string(expected));
  }
  FloatMap map(width, height);
  std::memcpy(map.values.data(), bytes.data() + data, expected);
  return map;
}

}  // namespace alref::outputs
