// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/graph.h"
#include "perception/sam2/hiera.h"

namespace alref::sam2 {

/// What the image encoder makes of a frame, f32, channels last. n is the image's side / 16, d the
/// model's width.
struct Features {
  Features(compute::Device& device, const Config& config);

  compute::DeviceTensor embedding;  ///< [n * n, d]
  compute::DeviceTensor stride8;    ///< [1, 2n, 2n, d/4], for the mask decoder
  compute::DeviceTensor stride4;    ///< [1, 4n, 4n, d/8], for the mask decoder
};

/// Hiera, the neck (sam2/modeling/backbones/image_encoder.py, FpnNeck) and the mask decoder's
/// projections of the fine levels, which are multiplied out with the neck's.
class ImageEncoder {
 public:
  ImageEncoder(const compute::Weights& w, const Config& config);

  /// image [1, S, S, 3], normalised.
  void operator()(compute::Graph& g, ggml_tensor* image, const Features& into) const;

 private:
  Hiera trunk_;
  compute::nn::Linear stride4_, stride8_, stride16_, stride32_;
};

}  // namespace alref::sam2
