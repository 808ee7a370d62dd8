// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "cli/segment_outputs.h"
#include "media/video_reader.h"

namespace alref::cli {

/// What `alref segment` and `alref listen` write, and how large a video they take: -o, --palette,
/// --cutout, --no-overlay, --max-frames, --max-pixels and --max-seconds. Both live until the
/// command has run.
void add_output_options(CLI::App& command, SegmentOutputs& outputs, media::VideoOptions& limits);

}  // namespace alref::cli
