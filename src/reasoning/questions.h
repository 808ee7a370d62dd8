// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace alref::reasoning {

// The questions of GPT-PS, in our own words (prompts/*.txt, compiled in). `{{name}}` stands for a
// value.
extern const std::string_view kPivotFramePrompt;
extern const std::string_view kPivotBoxPrompt;
extern const std::string_view kSoundingObjectsPrompt;
extern const std::string_view kSoundingBoxPrompt;

/// `prompt` with each `{{name}}` replaced by its value; values are not searched for placeholders
/// again. Throws Error(kInvalidArgument) where a placeholder has no value or a value no
/// placeholder.
std::string fill_prompt(std::string_view prompt,
                        const std::map<std::string, std::string, std::less<>>& values);

/// RVOS, stage 1: which of a strip's frames shows the expression best?
std::string pivot_frame_question(std::string_view expression, int frames);

/// RVOS, stage 2: which of the boxes (at most 6) drawn on the strip's frame `frame` (1-based) is
/// meant?
std::string pivot_box_question(std::string_view expression, int frames, int frame,
                               std::span<const Detection> boxes);

/// AVS, stage 1: which things make the sound? `single` asks for one object only; the frames lie in
/// rows of five.
std::string sounding_objects_question(int frames, std::span<const std::string> tags,
                                      std::span<const std::string> classes, bool single);

/// AVS, stage 2: which of the boxes (at most 6, in pixels of a width x height frame) holds the
/// `object` that sounds?
std::string sounding_box_question(std::string_view object, int frames, int frame,
                                  std::span<const Detection> boxes, int width, int height);

}  // namespace alref::reasoning
