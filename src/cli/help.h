// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <CLI/CLI.hpp>

namespace alref::cli {

/// What --help prints: a usage line that can be copied, with all that a command must be given, then
/// what the command does. A command that has --help-all shows its first group of options only.
std::shared_ptr<CLI::Formatter> make_help_formatter();

}  // namespace alref::cli
