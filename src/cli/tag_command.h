// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref tag`: what sounds in a recording.
void add_tag_command(CLI::App& app);

}  // namespace alref::cli
