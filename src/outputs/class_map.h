// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <string>
#include <vector>

#include "media/image_io.h"

namespace alref::outputs {

/// DIR/classes/00000.png: the place of a frame's class map.
std::string class_map_path(const std::string& dir, int frame);

/// AVSBench-semantic's 71 colours: black for the background, then the classes in the order of
/// kAvsClasses; the first colours of DAVIS' palette (avss/color_dataloader.py, get_v2_pallete).
std::vector<media::Rgb> avs_palette();

/// The class of each pixel, later objects over earlier ones; 0 where there is none.
/// `classes` has one class, 1 to 70, for each mask; `order` says which masks count, the ones on top
/// last. All masks are width x height.
media::LabelImage merge_classes(std::span<const Mask> masks, std::span<const int> classes,
                                std::span<const size_t> order, int width, int height);

}  // namespace alref::outputs
