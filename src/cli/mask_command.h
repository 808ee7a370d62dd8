// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref mask`: masks of what points, a box or a mask in an image point at.
void add_mask_command(CLI::App& app);

}  // namespace alref::cli
