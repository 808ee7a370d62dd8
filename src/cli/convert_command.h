// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace alref::cli {

/// `alref convert CHECKPOINT -o FILE.gguf [--type T]`
void add_convert_command(CLI::App& app);

}  // namespace alref::cli
