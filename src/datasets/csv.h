// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace alref::datasets {

/// A table with one line of headers, commas, and quotes where they are needed (RFC 4180, but a
/// field ends with its line).
struct CsvTable {
  std::vector<std::string> headers;
  std::vector<std::vector<std::string>> rows;  ///< each as long as `headers`

  /// Throws Error(kInput) where there is no such column.
  size_t column(std::string_view header) const;
};

/// Throws Error(kInput): unreadable, no headers, a row of another length, a quote that stays open.
CsvTable read_csv(const std::filesystem::path& file);

/// The same from a stream; `source` names it in messages.
CsvTable parse_csv(std::istream& in, const std::string& source);

}  // namespace alref::datasets
