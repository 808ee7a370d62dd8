// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Constants of the GGUF file format (ggml's docs/gguf.md), shared by reader and writer.
namespace alref::compute::gguf {

constexpr std::string_view kMagic = "GGUF";
constexpr uint32_t kVersion = 3;
constexpr uint32_t kDefaultAlignment = 32;
constexpr std::string_view kAlignmentKey = "general.alignment";

/// Types of metadata values.
enum ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

/// Bytes of a value of fixed size; 0 for strings, arrays and unknown types.
constexpr size_t value_bytes(uint32_t type) {
  switch (type) {
    case kUint8:
    case kInt8:
    case kBool:
      return 1;
    case kUint16:
    case kInt16:
      return 2;
    case kUint32:
    case kInt32:
    case kFloat32:
      return 4;
    case kUint64:
    case kInt64:
    case kFloat64:
      return 8;
    default:
      return 0;
  }
}

constexpr bool is_integer(uint32_t type) {
  return value_bytes(type) > 0 && type != kFloat32 && type != kFloat64 && type != kBool;
}

// Limits that no sensible model reaches; they bound the work that a hostile header can ask for.
constexpr uint64_t kMaxTensors = 1 << 16;
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxKeyBytes = 1 << 12;
constexpr uint32_t kMaxDims = 4;
constexpr uint32_t kMinAlignment = 8;  // the widest element type
constexpr uint32_t kMaxAlignment = 1 << 16;

}  // namespace alref::compute::gguf
