// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "eval/video_runs.h"

namespace alref::cli {

/// The shard that "i/n" names; without a text that of a Slurm array's task, else all. Throws
/// Error(kInvalidArgument).
void choose_shard(const std::string& text, eval::ShareOptions& run);

}  // namespace alref::cli
