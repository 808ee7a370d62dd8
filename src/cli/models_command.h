// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref models info FILE [--json]`
void add_models_command(CLI::App& app);

}  // namespace alref::cli
