// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/av_segmenter.h"

#include <string>

namespace alref {

/// What a run over a sound has found, its masks left out, to text and back (WorkStore). Throws
/// Error(kInput).
std::string sound_result_to_text(const AvResult& result);
AvResult sound_result_from_text(const std::string& text);

}  // namespace alref
