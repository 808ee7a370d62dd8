// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref match`: how well texts describe a sound.
void add_match_command(CLI::App& app);

}  // namespace alref::cli
