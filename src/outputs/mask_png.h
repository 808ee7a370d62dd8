// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <string>
#include <vector>

#include "media/image_io.h"

// Masks as PNG files: a folder an object as Ref-YouTube-VOS wants them, or all objects in palette
// PNGs as DAVIS does.
namespace alref::outputs {

/// DIR/masks/OBJECT/00000.png: the place of a frame's mask.
std::string mask_path(const std::string& dir, int object, int frame);

/// A grey PNG, 0 and 255.
std::vector<uint8_t> encode_mask_png(const Mask& mask);
void write_mask_png(const std::string& path, const Mask& mask);

/// Any palette or grey PNG as a mask: 1 where the value is not 0. Throws Error(kInput).
Mask read_mask_png(const std::string& path, int64_t max_pixels = media::kMaxPixels);

/// The 256 colours of DAVIS' and PASCAL VOC's annotations: black, red, green, olive, ...
const std::vector<media::Rgb>& davis_palette();

/// One label a pixel: k + 1 for the object k with the highest logit, 0 where none is above
/// `background`; the first of equal ones wins. The reference's background for Ref-DAVIS17 is a
/// logit of -1, not 0. At most 255 maps of one size, else Error(kInvalidArgument). Comes with
/// davis_palette().
media::LabelImage merge_logits(std::span<const FloatMap> logits, float background = -1);

/// The same of binary masks: where they overlap, the first object wins, as in argmax over equal
/// scores.
media::LabelImage merge_masks(std::span<const Mask> masks);

}  // namespace alref::outputs
