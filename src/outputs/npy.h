// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace alref::outputs {

/// NumPy's .npy file of 32-bit floats: one map as [height, width]. Throws Error(kOutput).
void write_npy(const std::string& path, const FloatMap& map);

/// Maps of one size as [maps, height, width].
void write_npy(const std::string& path, std::span<const FloatMap> maps);

/// One array of an .npz file.
struct NamedArray {
  std::string name;
  std::vector<size_t> shape;  ///< outermost first
  std::span<const float> values;
};

/// NumPy's .npz file of 32-bit floats: a ZIP archive of .npy files, not compressed, 4 GiB at most.
/// Throws Error(kOutput).
void write_npz(const std::string& path, std::span<const NamedArray> arrays);

/// A map from a .npy file of 32-bit floats in C order, [height, width] or [1, height, width].
/// Throws Error(kInput).
FloatMap read_npy(const std::string& path);
/// The same of a file in memory; `name` is for messages.
FloatMap decode_npy(std::span<const uint8_t> bytes, const std::string& name);

}  // namespace alref::outputs
