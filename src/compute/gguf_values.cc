// SPDX-License-Identifier: Apache-2.0
// The metadata getters of GgufFile.
#include "alref/error.h"

#include <cstdio>
#include <cstring>
#include <limits>

#include "compute/gguf_format.h"
#include "compute/gguf_reader.h"
#include "core/byte_reader.h"
#include "core/quote.h"

namespace alref::compute {
namespace {

constexpr const char* kTypeNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "string", "array", "u64", "i64", "f64"};

template <typename T>
T item_as(std::span<const std::byte> bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

/// Calls `use` with item `index` in its own type.
template <typename Use>
auto with_item(uint32_t type, std::span<const std::byte> bytes, size_t index, Use use) {
  switch (type) {
    case gguf::kUint8:
    case gguf::kBool:
      return use(item_as<uint8_t>(bytes, index));
    case gguf::kInt8:
      return use(item_as<int8_t>(bytes, index));
    case gguf::kUint16:
      return use(item_as<uint16_t>(bytes, index));
    case gguf::kInt16:
      return use(item_as<int16_t>(bytes, index));
    case gguf::kUint32:
      return use(item_as<uint32_t>(bytes, index));
    case gguf::kInt32:
      return use(item_as<int32_t>(bytes, index));
    case gguf::kUint64:
      return use(item_as<uint64_t>(bytes, index));
    case gguf::kInt64:
      return use(item_as<int64_t>(bytes, index));
    case gguf::kFloat64:
      return use(item_as<double>(bytes, index));
    default:
      return use(item_as<float>(bytes, index));
  }
}

double real_item(uint32_t type, std::span<const std::byte> bytes, size_t index) {
  return with_item(type, bytes, index, [](auto v) { return static_cast<double>(v); });
}

/// None where an unsigned value is too large for int64_t.
std::optional<int64_t> integer_item(uint32_t type, std::span<const std::byte> bytes, size_t index) {
  if (type == gguf::kUint64 &&
      item_as<uint64_t>(bytes, index) > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return std::nullopt;
  }
  if (!gguf::is_integer(type)) return std::nullopt;
  return with_item(type, bytes, index,
                   [](auto v) -> std::optional<int64_t> { return static_cast<int64_t>(v); });
}

bool is_number(uint32_t type) { return gguf::value_bytes(type) > 0 && type != gguf::kBool; }

std::string real_text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

}  // namespace

const GgufFile::Value* GgufFile::value(std::string_view key, bool is_list,
                                       std::string_view expected) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return nullptr;
  if (at->second.is_list != is_list) fail_kind(key, at->second, expected);
  return &at->second;
}

void GgufFile::fail_kind(std::string_view key, const Value& value,
                         std::string_view expected) const {
  fail("key " + quote(key) + " is " + (value.is_list ? "a list of " : "of type ") +
       kTypeNames[value.type] + ", expected " + std::string(expected));
}

std::optional<int64_t> GgufFile::integer(std::string_view key) const {
  const Value* v = value(key, false, "an integer");
  if (v == nullptr) return std::nullopt;
  const auto number = integer_item(v->type, v->bytes, 0);
  if (!number) fail_kind(key, *v, "an integer below 2^63");
  return number;
}

std::optional<double> GgufFile::real(std::string_view key) const {
  const Value* v = value(key, false, "a number");
  if (v == nullptr) return std::nullopt;
  if (!is_number(v->type)) fail_kind(key, *v, "a number");
  return real_item(v->type, v->bytes, 0);
}

std::optional<bool> GgufFile::flag(std::string_view key) const {
  const Value* v = value(key, false, "a truth value");
  if (v == nullptr) return std::nullopt;
  if (v->type != gguf::kBool) fail_kind(key, *v, "a truth value");
  return v->bytes[0] != std::byte{0};
}

std::optional<std::string> GgufFile::text(std::string_view key) const {
  const Value* v = value(key, false, "a string");
  if (v == nullptr) return std::nullopt;
  if (v->type != gguf::kString) fail_kind(key, *v, "a string");
  ByteReader in(v->bytes, path().string(), ErrorKind::kModel);
  return std::string(in.text(in.read<uint64_t>(key), key));
}

std::optional<std::vector<int64_t>> GgufFile::integers(std::string_view key) const {
  const Value* v = value(key, true, "a list of integers");
  if (v == nullptr) return std::nullopt;
  if (!gguf::is_integer(v->type)) fail_kind(key, *v, "a list of integers");
  std::vector<int64_t> out;
  out.reserve(v->count);
  for (size_t i = 0; i < v->count; ++i) {
    const auto number = integer_item(v->type, v->bytes, i);
    if (!number) fail_kind(key, *v, "a list of integers below 2^63");
    out.push_back(*number);
  }
  return out;
}

std::optional<std::vector<double>> GgufFile::reals(std::string_view key) const {
  const Value* v = value(key, true, "a list of numbers");
  if (v == nullptr) return std::nullopt;
  if (!is_number(v->type)) fail_kind(key, *v, "a list of numbers");
  std::vector<double> out;
  out.reserve(v->count);
  for (size_t i = 0; i < v->count; ++i) out.push_back(real_item(v->type, v->bytes, i));
  return out;
}

std::optional<std::vector<std::string>> GgufFile::texts(std::string_view key) const {
  const Value* v = value(key, true, "a list of strings");
  if (v == nullptr) return std::nullopt;
  if (v->type != gguf::kString) fail_kind(key, *v, "a list of strings");
  ByteReader in(v->bytes, path().string(), ErrorKind::kModel);
  std::vector<std::string> out;
  out.reserve(v->count);
  for (size_t i = 0; i < v->count; ++i) {
    out.emplace_back(in.text(in.read<uint64_t>(key), key));
  }
  return out;
}

std::string GgufFile::display(std::string_view key, size_t limit) const {
  const auto at = values_.find(key);
  if (at == values_.end()) return "";
  const Value& v = at->second;
  ByteReader strings(v.bytes, path().string(), ErrorKind::kModel);
  std::string out;
  for (size_t i = 0; i < v.count && i < limit; ++i) {
    if (i > 0) out += ", ";
    if (v.type == gguf::kString) {
      out += quote(strings.text(strings.read<uint64_t>(key), key));
    } else if (v.type == gguf::kBool) {
      out += v.bytes[i] != std::byte{0} ? "true" : "false";
    } else if (v.type == gguf::kFloat32 || v.type == gguf::kFloat64) {
      out += real_text(real_item(v.type, v.bytes, i));
    } else {
      out += with_item(v.type, v.bytes, i, [](auto n) { return std::to_string(n); });
    }
  }
  if (!v.is_list) return out;
  return "[" + out + (v.count > limit ? ", ... " + std::to_string(v.count) + " in all" : "") + "]";
}

}  // namespace alref::compute
