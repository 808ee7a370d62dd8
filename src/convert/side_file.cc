// SPDX-License-Identifier: Apache-2.0
#include "convert/side_file.h"

#include "alref/error.h"

#include <cmath>
#include <utility>

#include "core/mapped_file.h"
#include "core/quote.h"

namespace alref::convert {
namespace {

using nlohmann::json;

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 16;
constexpr int64_t kMaxInteger = 1 << 24;

}  // namespace

SideFile::SideFile(std::filesystem::path path, json content)
    : path_(std::move(path)), content_(std::move(content)) {}

std::optional<SideFile> SideFile::open(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  const MappedFile file(path, ErrorKind::kModel);
  const auto bytes = file.bytes();
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorKind::kModel, path.string() + ": " + message);
  };
  if (bytes.size() > kMaxBytes)
    fail("has " + std::to_string(bytes.size()) + " bytes, expected at most 1 MiB");
  const auto watch = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth) fail("is nested deeper than " + std::to_string(kMaxDepth));
    return true;
  };
  try {
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    return SideFile(path, json::parse(text, text + bytes.size(), watch));
  } catch (const json::exception& parse_error) {
    fail("is not JSON: " + quote(parse_error.what()));
  }
  return std::nullopt;
}

void SideFile::fail(std::string_view key, const std::string& message) const {
  throw Error(ErrorKind::kModel, path_.string() + ": key " + quote(key) + " " + message);
}

bool SideFile::has(std::string_view key) const {
  const json::json_pointer pointer{std::string(key)};
  return content_.contains(pointer) && !content_[pointer].is_null();
}

const json& SideFile::value(std::string_view key) const {
  if (!has(key)) fail(key, "is missing");
  return content_[json::json_pointer{std::string(key)}];
}

int64_t SideFile::integer(std::string_view key) const {
  const json& v = value(key);
  if (!v.is_number_integer() || v.get<int64_t>() < 1 || v.get<int64_t>() > kMaxInteger) {
    fail(key, "is " + quote(v.dump()) + ", expected a whole number from 1 to " +
                  std::to_string(kMaxInteger));
  }
  return v.get<int64_t>();
}

double SideFile::real(std::string_view key) const {
  const json& v = value(key);
  if (!v.is_number() || !std::isfinite(v.get<double>()))
    fail(key, "is " + quote(v.dump()) + ", expected a number");
  return v.get<double>();
}

std::string SideFile::text(std::string_view key) const {
  const json& v = value(key);
  if (!v.is_string()) fail(key, "is " + quote(v.dump()) + ", expected a text");
  return v.get<std::string>();
}

std::vector<int64_t> SideFile::integers(std::string_view key) const {
  const json& v = value(key);
  if (!v.is_array()) fail(key, "is " + quote(v.dump()) + ", expected a list");
  std::vector<int64_t> out;
  for (const json& item : v) {
    if (!item.is_number_integer() || item.get<int64_t>() < 0 || item.get<int64_t>() > kMaxInteger) {
      fail(key, "holds " + quote(item.dump()) + ", expected whole numbers from 0 to " +
                    std::to_string(kMaxInteger));
    }
    out.push_back(item.get<int64_t>());
  }
  return out;
}

std::vector<double> SideFile::reals(std::string_view key) const {
  const json& v = value(key);
  if (!v.is_array()) fail(key, "is " + quote(v.dump()) + ", expected a list");
  std::vector<double> out;
  for (const json& item : v) {
    if (!item.is_number()) fail(key, "holds " + quote(item.dump()) + ", expected numbers");
    out.push_back(item.get<double>());
  }
  return out;
}

}  // namespace alref::convert
