// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <CLI/CLI.hpp>

namespace alref::cli {

/// Adds --device, --threads and --precision, which every command that runs a network has.
void add_device_options(CLI::App& command, DeviceOptions& options);

}  // namespace alref::cli
