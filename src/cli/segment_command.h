// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref segment`: a video and sentences in, masks out.
void add_segment_command(CLI::App& app);

}  // namespace alref::cli
