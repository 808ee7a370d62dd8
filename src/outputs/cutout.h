// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <string>

#include "media/image_io.h"

// An object alone, on nothing: PNG frames with alpha, or frames for media::VideoWriter's kinds with
// alpha.
namespace alref::outputs {

/// DIR/cutout/OBJECT/00000.png: the place of a frame's cut-out.
std::string cutout_path(const std::string& dir, int object, int frame);

/// The frame's pixels within the mask, opaque; elsewhere transparent black. An empty mask cuts out
/// nothing. Throws Error(kInvalidArgument) where the sizes differ.
media::RgbaImage cut_out(const Image& frame, const Mask& mask);

void write_cutout_png(const std::string& path, const Image& frame, const Mask& mask);

}  // namespace alref::outputs
