// SPDX-License-Identifier: Apache-2.0
#include "datasets/csv.h"

#include "alref/error.h"

#include <algorithm>
#include <fstream>

namespace alref::datasets {
namespace {

std::vector<std::string> fields_of(std::string_view line, const std::string& where) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) throw Error(ErrorKind::kInput, where + ": a quote stays open");
  return fields;
}

}  // namespace

size_t CsvTable::column(std::string_view header) const {
  const auto found = std::ranges::find(headers, header);
  if (found == headers.end()) {
    throw Error(ErrorKind::kInput, "table: no column '" + std::string(header) + "'");
  }
  return static_cast<size_t>(found - headers.begin());
}

CsvTable read_csv(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return parse_csv(in, file.string());
}

CsvTable parse_csv(std::istream& in, const std::string& source) {
  CsvTable table;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const std::string where = source + ": line " + std::to_string(number);
    auto fields = fields_of(line, where);
    if (table.headers.empty()) {
      if (fields.front().starts_with("\xEF\xBB\xBF")) fields.front().erase(0, 3);
      table.headers = std::move(fields);
    } else if (fields.size() != table.headers.size()) {
      throw Error(ErrorKind::kInput, where + ": has " + std::to_string(fields.size()) +
                                         " fields, expected " +
                                         std::to_string(table.headers.size()));
    } else {
      table.rows.push_back(std::move(fields));
    }
  }
  if (table.headers.empty())
    throw Error(ErrorKind::kInput, source + ": cannot be read, or is empty");
  return table;
}

}  // namespace alref::datasets
