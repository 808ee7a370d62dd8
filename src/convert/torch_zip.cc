// SPDX-License-Identifier: Apache-2.0
// The format: PKWARE's APPNOTE.TXT 6.3.
#include "convert/torch_zip.h"

#include "alref/error.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <zlib.h>

#include "core/byte_reader.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kEnd64Locator = 0x07064b50;
constexpr size_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr uint16_t kZip64Field = 1;
constexpr uint64_t kMaxEntries = 1 << 17;
constexpr size_t kMaxNameBytes = 1024;

constexpr uint16_t kEncrypted = 1 << 0;

/// A field of 16 or 32 bits that is all ones when the true value is in a zip64 field.
template <typename T>
bool is_elsewhere(T value) {
  return value == std::numeric_limits<T>::max();
}

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '/') return false;
  const bool plain = std::all_of(name.begin(), name.end(),
                                 [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; });
  return plain && name.find("..") == std::string_view::npos;
}

}  // namespace

TorchZip::TorchZip(std::span<const std::byte> archive, std::string source)
    : archive_(archive), source_(std::move(source)) {
  read_directory(find_directory());
  reject_overlaps();
}

bool TorchZip::looks_like_zip(std::span<const std::byte> bytes) {
  uint32_t signature = 0;
  if (bytes.size() < sizeof signature) return false;
  std::memcpy(&signature, bytes.data(), sizeof signature);
  return signature == kLocalHeader;
}

TorchZip::Directory TorchZip::find_directory() const {
  // The trailer is the last record; a comment may follow, torch.save writes none.
  if (archive_.size() < kEndBytes) fail("is too short for a zip archive");
  const size_t end_at = archive_.size() - kEndBytes;
  ByteReader end(archive_.subspan(end_at), source_, ErrorKind::kModel);
  if (end.read<uint32_t>("the zip trailer") != kEnd) {
    fail("does not end with a zip trailer; the file may be cut short");
  }
  const auto disk = end.read<uint16_t>("the zip trailer");
  const auto directory_disk = end.read<uint16_t>("the zip trailer");
  const auto entries_here = end.read<uint16_t>("the zip trailer");
  const auto entries = end.read<uint16_t>("the zip trailer");
  const auto bytes = end.read<uint32_t>("the zip trailer");
  const auto offset = end.read<uint32_t>("the zip trailer");
  if (end.read<uint16_t>("the zip trailer") != 0) fail("has a comment, expected none");

  Directory directory{offset, bytes, entries};
  uint64_t directory_end = end_at;
  ByteReader locator(
      end_at >= kLocatorBytes ? archive_.subspan(end_at - kLocatorBytes) : archive_.first(0),
      source_, ErrorKind::kModel);
  if (end_at >= kLocatorBytes + kEnd64Bytes &&
      locator.read<uint32_t>("the zip64 locator") == kEnd64Locator) {
    locator.read<uint32_t>("the zip64 locator");  // disk
    const auto at = locator.read<uint64_t>("the zip64 locator");
    directory_end = end_at - kLocatorBytes - kEnd64Bytes;
    if (at != directory_end) {
      fail("its zip64 trailer is said to be at byte " + std::to_string(at) + ", expected " +
           std::to_string(directory_end));
    }
    ByteReader end64(archive_.subspan(static_cast<size_t>(at)), source_, ErrorKind::kModel);
    const std::string_view what = "the zip64 trailer";
    if (end64.read<uint32_t>(what) != kEnd64 || end64.read<uint64_t>(what) != kEnd64Bytes - 12) {
      fail("its zip64 trailer is damaged");
    }
    end64.take(12, what);  // versions, disks
    const auto here64 = end64.read<uint64_t>(what);
    const Directory wide{0, 0, end64.read<uint64_t>(what)};
    directory.entries = wide.entries;
    directory.bytes = end64.read<uint64_t>(what);
    directory.offset = end64.read<uint64_t>(what);
    const auto disagrees = [](auto narrow, uint64_t value) {
      return !is_elsewhere(narrow) && narrow != value;
    };
    if (here64 != directory.entries || disagrees(entries, directory.entries) ||
        disagrees(bytes, directory.bytes) || disagrees(offset, directory.offset)) {
      fail("its two zip trailers disagree");
    }
  } else if (is_elsewhere(entries) || is_elsewhere(bytes) || is_elsewhere(offset)) {
    fail("its zip64 trailer is missing");
  }
  if (entries_here != entries || (disk != 0 && !is_elsewhere(disk)) || directory_disk != disk) {
    fail("is one part of several zip disks");
  }
  if (directory.offset > directory_end || directory.bytes != directory_end - directory.offset) {
    fail("its zip directory is said to have " + std::to_string(directory.bytes) +
         " bytes at byte " + std::to_string(directory.offset) + ", expected to end at byte " +
         std::to_string(directory_end));
  }
  if (directory.entries > kMaxEntries) {
    fail("has " + std::to_string(directory.entries) + " zip entries, expected at most " +
         std::to_string(kMaxEntries));
  }
  return directory;
}

void TorchZip::read_directory(const Directory& directory) {
  ByteReader in(
      archive_.subspan(static_cast<size_t>(directory.offset), static_cast<size_t>(directory.bytes)),
      source_, ErrorKind::kModel);
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const std::string_view what = "a zip directory entry";
    if (in.read<uint32_t>(what) != kCentralHeader) in.fail("zip directory entry is damaged");
    in.take(4, what);  // versions
    const auto flags = in.read<uint16_t>(what);
    const auto method = in.read<uint16_t>(what);
    in.take(4, what);  // time
    const auto crc = in.read<uint32_t>(what);
    const auto packed32 = in.read<uint32_t>(what);
    const auto size32 = in.read<uint32_t>(what);
    const auto name_bytes = in.read<uint16_t>(what);
    const auto extra_bytes = in.read<uint16_t>(what);
    const auto comment_bytes = in.read<uint16_t>(what);
    in.take(8, what);  // disk, attributes
    const auto offset32 = in.read<uint32_t>(what);
    const std::string_view name = in.text(name_bytes, what);
    ByteReader extra(in.take(extra_bytes, what), source_, ErrorKind::kModel);
    in.take(comment_bytes, what);

    if (!is_safe_name(name))
      fail("zip entry " + quote(name) + " has a name that no checkpoint has");
    const std::string entry = "zip entry " + quote(name);
    if (flags & kEncrypted) fail(entry + " is encrypted");
    if (method != 0) {
      fail(entry + " is compressed (method " + std::to_string(method) + "), expected stored");
    }
    uint64_t size = size32, packed = packed32, offset = offset32;
    while (extra.left() > 0) {
      const auto id = extra.read<uint16_t>(entry);
      const auto field_bytes = extra.read<uint16_t>(entry);
      ByteReader field(extra.take(field_bytes, entry), source_, ErrorKind::kModel);
      if (id != kZip64Field) continue;
      if (is_elsewhere(size32)) size = field.read<uint64_t>(entry);
      if (is_elsewhere(packed32)) packed = field.read<uint64_t>(entry);
      if (is_elsewhere(offset32)) offset = field.read<uint64_t>(entry);
    }
    if (size != packed) {
      fail(entry + " has " + std::to_string(packed) + " bytes stored and " + std::to_string(size) +
           " bytes in all, expected the same");
    }
    ZipEntry parsed = read_local_header(offset, name, size, directory.offset);
    parsed.crc32 = crc;
    if (!entries_.emplace(name, parsed).second) fail(entry + " appears twice");
  }
  if (in.left() > 0) in.fail("its zip directory holds more than its entries");
}

ZipEntry TorchZip::read_local_header(uint64_t offset, std::string_view name, uint64_t size,
                                     uint64_t limit) const {
  const std::string entry = "zip entry " + quote(name);
  if (offset > limit)
    fail(entry + " begins at byte " + std::to_string(offset) + ", beyond the directory");
  ByteReader in(archive_.subspan(static_cast<size_t>(offset), static_cast<size_t>(limit - offset)),
                source_, ErrorKind::kModel);
  if (in.read<uint32_t>(entry) != kLocalHeader)
    fail(entry + " has no header of its own where the directory says");
  in.take(4, entry);  // version, flags
  const auto method = in.read<uint16_t>(entry);
  in.take(16, entry);  // time, checksum and sizes: those of the directory count
  const auto name_bytes = in.read<uint16_t>(entry);
  const auto extra_bytes = in.read<uint16_t>(entry);
  if (in.text(name_bytes, entry) != name || method != 0)
    fail(entry + " has two headers that disagree");
  in.take(extra_bytes, entry);
  return {in.take(size, entry), offset, 0};
}

void TorchZip::reject_overlaps() const {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, entry] : entries_) {
    const auto end = static_cast<uint64_t>(entry.data.data() - archive_.data()) + entry.data.size();
    ranges.emplace_back(entry.header_offset, end);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) {
      fail("two zip entries overlap at byte " + std::to_string(ranges[i].first));
    }
  }
}

std::span<const std::byte> TorchZip::read(std::string_view name) const {
  const auto at = entries_.find(name);
  if (at == entries_.end()) fail("has no zip entry " + quote(name));
  const auto data = at->second.data;
  const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
  if (crc != at->second.crc32)
    fail("zip entry " + quote(name) + " is damaged: its checksum is wrong");
  return data;
}

void TorchZip::fail(const std::string& message) const {
  throw Error(ErrorKind::kModel, source_ + ": " + message);
}

}  // namespace alref::convert
