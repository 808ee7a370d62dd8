// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref evaluate avs` and `alref score avs`: AVSBench.
void add_evaluate_avs(CLI::App& evaluate);
void add_score_avs(CLI::App& score);

}  // namespace alref::cli
