// SPDX-License-Identifier: Apache-2.0
#include "datasets/csv.h"

#include "alref/error.h"

#include <cstdlib>
#include <sstream>

namespace {

std::string quoted(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    line += line.empty() ? "\"" : ",\"";
    for (const char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace

// Input: a table. Every row is as long as the headers, and what was read comes back from writing it
// with all fields in quotes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using alref::datasets::CsvTable;
  using alref::datasets::parse_csv;
  try {
    std::istringstream in(std::string(data, data + size));
    const CsvTable table = parse_csv(in, "input");
    std::string text = "\xEF\xBB\xBF" + quoted(table.headers);  // of two marks the second stays
    for (const auto& row : table.rows) {
      if (row.size() != table.headers.size()) std::abort();
      text += quoted(row);
    }
    std::istringstream again(text);
    const CsvTable same = parse_csv(again, "again");
    if (same.headers != table.headers || same.rows != table.rows) std::abort();
    if (table.column(table.headers.back()) >= table.headers.size()) std::abort();
  } catch (const alref::Error&) {
  }
  return 0;
}
