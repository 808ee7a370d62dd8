// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sam2.h"

#include <filesystem>
#include <memory>

#include "compute/device.h"
#include "perception/video_segmenter.h"

namespace alref::sam2 {

/// SAM 2 for videos on a device that other networks may use in turn; `options.device` is not looked
/// at. Throws Error(kModel) where the file is damaged or no SAM 2 model.
std::unique_ptr<VideoSegmenter> make_sam2(const std::filesystem::path& path,
                                          std::shared_ptr<compute::Device> device,
                                          const Sam2VideoOptions& options);

}  // namespace alref::sam2
