// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref detect`: boxes for what a text names in an image.
void add_detect_command(CLI::App& app);

}  // namespace alref::cli
