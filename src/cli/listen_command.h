// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref listen`: a video and its sound in, masks of what sounds out.
void add_listen_command(CLI::App& app);

}  // namespace alref::cli
