// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"

#include <memory>
#include <string>

namespace alref::cli {

/// The sound of a file, read by stretches, or of a stream ("-" or a named pipe). A stream that is
/// read again from its start is held, and at most 10 minutes long. Ctrl-C ends a read with
/// Error(kInterrupted). Throws Error(kInput), also for a track without a single sample.
std::unique_ptr<SoundSource> open_sound_input(const std::string& path, bool read_again);

}  // namespace alref::cli
