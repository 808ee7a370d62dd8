// SPDX-License-Identifier: Apache-2.0
#include "metrics/assignment.h"

#include <cstddef>
#include <limits>

namespace alref::metrics {

// Shortest augmenting paths with potentials (Kuhn-Munkres in the form of Jonker and Volgenant), on
// costs -score. Index 0 is a sentinel on both sides.
std::vector<int> best_assignment(const std::vector<std::vector<double>>& scores) {
  const size_t rows = scores.size(), columns = rows ? scores[0].size() : 0;
  std::vector<double> column_potential(columns + 1), row_potential(rows + 1);
  std::vector<size_t> column_of_row(rows + 1), previous_row(rows + 1);
  for (size_t column = 1; column <= columns; ++column) {
    column_of_row[0] = column;
    size_t row = 0;
    std::vector<double> slack(rows + 1, std::numeric_limits<double>::infinity());
    std::vector<bool> visited(rows + 1);
    do {
      visited[row] = true;
      const size_t from = column_of_row[row];
      double smallest = std::numeric_limits<double>::infinity();
      size_t next = 0;
      for (size_t r = 1; r <= rows; ++r) {
        if (visited[r]) continue;
        const double reduced = -scores[r - 1][from - 1] - column_potential[from] - row_potential[r];
        if (reduced < slack[r]) {
          slack[r] = reduced;
          previous_row[r] = row;
        }
        if (slack[r] < smallest) {
          smallest = slack[r];
          next = r;
        }
      }
      for (size_t r = 0; r <= rows; ++r) {
        if (visited[r]) {
          column_potential[column_of_row[r]] += smallest;
          row_potential[r] -= smallest;
        } else {
          slack[r] -= smallest;
        }
      }
      row = next;
    } while (column_of_row[row] != 0);
    while (row != 0) {
      column_of_row[row] = column_of_row[previous_row[row]];
      row = previous_row[row];
    }
  }
  std::vector<int> row_of_column(columns);
  for (size_t r = 1; r <= rows; ++r) {
    if (column_of_row[r] != 0) row_of_column[column_of_row[r] - 1] = static_cast<int>(r - 1);
  }
  return row_of_column;
}

}  // namespace alref::metrics
