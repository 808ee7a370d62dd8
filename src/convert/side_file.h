// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace alref::convert {

/// A JSON file beside a checkpoint with what shapes cannot tell. Keys are paths such as
/// "/trunk/num_heads". Getters throw Error(kModel), naming file and key, where a value is missing,
/// of another kind, or out of range.
class SideFile {
 public:
  /// The file `path`, or nothing where there is none.
  static std::optional<SideFile> open(const std::filesystem::path& path);

  bool has(std::string_view key) const;
  /// A whole number from 1 to 2^24.
  int64_t integer(std::string_view key) const;
  double real(std::string_view key) const;
  std::string text(std::string_view key) const;
  std::vector<int64_t> integers(std::string_view key) const;
  std::vector<double> reals(std::string_view key) const;

  [[noreturn]] void fail(std::string_view key, const std::string& message) const;

 private:
  SideFile(std::filesystem::path path, nlohmann::json content);
  const nlohmann::json& value(std::string_view key) const;

  std::filesystem::path path_;
  nlohmann::json content_;
};

}  // namespace alref::convert
