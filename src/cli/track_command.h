// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref track`: objects followed through a video from prompts on some of its frames.
void add_track_command(CLI::App& app);

}  // namespace alref::cli
