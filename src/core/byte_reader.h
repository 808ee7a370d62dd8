// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/error.h"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace alref {

static_assert(std::endian::native == std::endian::little,
              "files are read in little-endian order, without swapping");

/// a * b, or nothing where it would overflow.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_multiply(T a, T b) {
  if (b != 0 && a > std::numeric_limits<T>::max() / b) return std::nullopt;
  return static_cast<T>(a * b);
}

/// Reads little-endian values out of bytes that nobody vouches for. Whatever would go beyond the
/// end throws Error(kind) with `source`, the position, what was to be read, and the bytes wanted
/// and left.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string source, ErrorKind kind)
      : bytes_(bytes), source_(std::move(source)), kind_(kind) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }
  const std::string& source() const { return source_; }

  /// Throws the error of this reader's kind, prefixed by its source.
  [[noreturn]] void fail(const std::string& message) const {
    throw Error(kind_, source_ + ": " + message);
  }

  std::span<const std::byte> take(uint64_t count, std::string_view what) {
    if (count > left()) {
      fail("cut short at byte " + std::to_string(position_) + ": " + std::string(what) + " needs " +
           std::to_string(count) + " bytes, " + std::to_string(left()) + " are left");
    }
    const auto part = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return part;
  }

  template <typename T>
  requires std::is_arithmetic_v<T> T read(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string_view text(uint64_t count, std::string_view what) {
    const auto part = take(count, what);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  /// The text up to the next newline, which is passed over.
  std::string_view line(std::string_view what) {
    const std::string_view rest = {reinterpret_cast<const char*>(bytes_.data()) + position_,
                                   left()};
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) take(left() + uint64_t{1}, what);
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string source_;
  ErrorKind kind_;
  size_t position_ = 0;
};

}  // namespace alref
