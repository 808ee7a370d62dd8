// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace alref::metrics {

/// The assignment of every column to a row of its own with the largest sum of scores (Hungarian
/// method).
/// @param scores  [rows][columns], at least as many rows as columns
/// @return  each column's row
std::vector<int> best_assignment(const std::vector<std::vector<double>>& scores);

}  // namespace alref::metrics
