// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref score`: J, F and J&F of a benchmark's results (rvos) or of one video's masks (masks).
void add_score_command(CLI::App& app);

}  // namespace alref::cli
