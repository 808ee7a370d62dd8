// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <CLI/CLI.hpp>

namespace alref::cli {

/// Adds --device, --threads and --precision, which every command that runs a network has.
void add_device_options(CLI::App& command, DeviceOptions& options);

/// For options that take a number from `least` to `most`. CLI11's own check lets NaN through.
CLI::Validator in_range(double least, double most);

/// For options that take 0 or a larger number.
CLI::Validator at_least_zero();

/// For options that take a number above 0. CLI11's own check says "not in range 0 to" and the
/// largest double in 309 digits.
CLI::Validator above_zero();

}  // namespace alref::cli
