// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace alref::convert {

/// Number type of the large tensors; small ones stay f32 (docs/model-format.md).
enum class WeightType { kF32, kF16, kBf16, kQ8_0 };

/// "f32", "f16", "bf16" or "q8_0". Throws Error(kInvalidArgument).
WeightType parse_weight_type(std::string_view name);

struct ConvertOptions {
  WeightType type = WeightType::kF32;
  /// Called now and then with the elements written so far and in all. May throw to stop; nothing is
  /// left then.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

struct ConvertReport {
  std::string architecture;
  std::string name;
  size_t tensors = 0;
  uint64_t elements = 0;
  uint64_t bytes = 0;  ///< of the file written
};

/// Turns an official checkpoint into a GGUF file: SAM 2 and 2.1, GroundingDINO (official or Hugging
/// Face's), BEATs, LanguageBind. The network is recognised by its tensors; all must be there and
/// none else, in the right shape. Memory stays at a few megabytes whatever the size; `output`
/// appears when it is complete.
///
/// @throws Error  kModel: not a checkpoint, damaged, hostile, or not a complete known network.
///                kOutput: cannot be written.
ConvertReport convert_checkpoint(const std::filesystem::path& checkpoint,
                                 const std::filesystem::path& output,
                                 const ConvertOptions& options);

}  // namespace alref::convert
