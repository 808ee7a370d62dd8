// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref score rvos`: J, F and J&F of results that lie in a benchmark's layout.
void add_score_command(CLI::App& app);

}  // namespace alref::cli
