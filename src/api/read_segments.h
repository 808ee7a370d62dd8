// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/lbru.h"

namespace alref {

/// A video's segments in a file {video: [[begin, end], ...]}; none where the video is not in it.
/// Throws Error(kInput): not such a file, or segments that are empty, overlap or do not ascend.
std::optional<std::vector<pipeline::Segment>> read_segments(const std::string& path,
                                                            const std::string& video);

/// The same from a stream; `source` names it in messages.
std::optional<std::vector<pipeline::Segment>> parse_segments(std::istream& in,
                                                             const std::string& source,
                                                             const std::string& video);

}  // namespace alref
