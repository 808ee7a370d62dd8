// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref evaluate rvos`: the method on a whole data set.
void add_evaluate_command(CLI::App& app);

}  // namespace alref::cli
