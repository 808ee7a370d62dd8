// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace alref::outputs {

/// NumPy's .npy file of 32-bit floats: one map as [height, width]. Throws Error(kOutput).
void write_npy(const std::string& path, const FloatMap& map);

/// Maps of one size as [maps, height, width].
void write_npy(const std::string& path, std::span<const FloatMap> maps);

/// A map from a .npy file of 32-bit floats in C order, [height, width] or [1, height, width].
/// Throws Error(kInput).
FloatMap read_npy(const std::string& path);
/// The same of a file in memory; `name` is for messages.
FloatMap decode_npy(std::span<const uint8_t> bytes, const std::string& name);

}  // namespace alref::outputs
