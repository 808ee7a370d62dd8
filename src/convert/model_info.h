// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace alref::convert {

/// What a model file holds, for people: metadata, totals by type, and all tensors with type and
/// shape. Throws Error(kModel).
std::string model_info_text(const std::filesystem::path& file);

/// The same as a JSON object: `file`, `bytes`, `metadata` (texts as displayed), `tensors` (a list
/// of `name`, `type`, `shape`, `bytes`).
std::string model_info_json(const std::filesystem::path& file);

}  // namespace alref::convert
