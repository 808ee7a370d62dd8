// SPDX-License-Identifier: Apache-2.0
#include "compute/metadata.h"

#include <cmath>

#include "core/quote.h"

namespace alref::compute {

Metadata::Metadata(const GgufFile& file, std::string architecture)
    : file_(file), prefix_(std::move(architecture)) {
  const std::string found = file.text("general.architecture").value_or("");
  if (found != prefix_) {
    throw Error(ErrorKind::kModel, file.path().string() + ": holds the network " + quote(found) +
                                       ", expected " + quote(prefix_));
  }
}

int64_t Metadata::integer(const std::string& key, int64_t low, int64_t high) const {
  const int64_t value = need(file_.integer(full(key)), key);
  if (value < low || value > high) {
    fail(key, std::to_string(value), "from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

std::vector<int64_t> Metadata::integers(const std::string& key, size_t count, int64_t low,
                                        int64_t high) const {
  std::vector<int64_t> values = integers(key);
  if (count != 0 && values.size() != count) {
    fail(key, std::to_string(values.size()) + " numbers", std::to_string(count));
  }
  for (int64_t value : values) {
    if (value < low || value > high) {
      fail(key, std::to_string(value),
           "from " + std::to_string(low) + " to " + std::to_string(high));
    }
  }
  return values;
}

std::array<float, 3> Metadata::colour(const std::string& key) const {
  const std::vector<double> values = need(file_.reals(full(key)), key);
  if (values.size() != 3) fail(key, std::to_string(values.size()) + " numbers", "3");
  for (double value : values) {
    if (!std::isfinite(value)) fail(key, std::to_string(value), "a finite number");
  }
  return {static_cast<float>(values[0]), static_cast<float>(values[1]),
          static_cast<float>(values[2])};
}

std::optional<float> Metadata::cosine(const std::string& key) const {
  if (!has(key)) return std::nullopt;
  const double value = real(key);
  if (!(value >= -1 && value <= 1)) fail(key, std::to_string(value), "from -1 to 1");
  return static_cast<float>(value);
}

void Metadata::expect_flag(const std::string& key, bool expected) const {
  if (flag(key) != expected) fail(key, expected ? "false" : "true", expected ? "true" : "false");
}

void Metadata::expect_text(const std::string& key, const std::string& expected) const {
  if (const std::string value = text(key); value != expected)
    fail(key, quote(value), quote(expected));
}

void Metadata::fail(const std::string& key, const std::string& got,
                    const std::string& expected) const {
  throw Error(ErrorKind::kModel, file_.path().string() + ": key '" + full(key) + "' is " + got +
                                     ", expected " + expected);
}

void Metadata::fail_missing(const std::string& key) const {
  throw Error(ErrorKind::kModel, file_.path().string() + ": key '" + full(key) + "' is missing");
}

}  // namespace alref::compute
