// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace alref {

/// This library's version, such as "0.1.0".
std::string version();

/// Version and build for people, several lines: alref, ggml, oneDNN and FFmpeg, the instruction set
/// in use and the devices found on this machine.
std::string version_report();

/// Devices that DeviceOptions::name may name on this machine; "cpu" first.
std::vector<std::string> available_devices();

}  // namespace alref
