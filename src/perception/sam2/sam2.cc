// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/sam2.h"

#include "perception/sam2/segmenter.h"

namespace alref::sam2 {

std::unique_ptr<VideoSegmenter> make_sam2(const std::filesystem::path& path,
                                          std::shared_ptr<compute::Device> device,
                                          const Sam2VideoOptions& options) {
  const bool half_features = device->precision() == Precision::kBf16;
  auto network = std::make_unique<Network>(path, std::move(device));
  return std::make_unique<Segmenter>(std::move(network), half_features, options);
}

}  // namespace alref::sam2
