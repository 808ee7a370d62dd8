// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <vector>

#include "compute/nn/convolution.h"
#include "compute/nn/linear.h"
#include "compute/nn/norm.h"
#include "perception/sam2/config.h"

namespace alref::sam2 {

/// What a prompt's point means, with the numbers of the official labels.
enum PointLabel { kNoPoint = -1, kOffObject = 0, kOnObject = 1, kBoxCorner0 = 2, kBoxCorner1 = 3 };

/// Points in pixels of the network's square input; a box is two of them.
struct PromptPoints {
  std::vector<Point> points;
  std::vector<int> labels;  ///< a PointLabel each
};

/// Points, boxes and masks as tokens and maps for the mask decoder
/// (sam2/modeling/sam/prompt_encoder.py).
class PromptEncoder {
 public:
  PromptEncoder(const compute::Weights& w, const Config& config);

  /// [points + 1, d]: a token a point, and the one of label -1 that the official code always
  /// appends.
  std::vector<float> encode(const PromptPoints& prompt) const;

  /// mask [1, 4n, 4n, 1] of logits -> [1, n, n, d].
  ggml_tensor* encode_mask(compute::Graph& g, ggml_tensor* mask) const;
  /// [d]: stands for the map of encode_mask where there is no mask.
  ggml_tensor* no_mask() const { return no_mask_; }
  /// [n * n, d]: the encoding of each pixel's place.
  ggml_tensor* image_positions() const { return image_positions_; }

 private:
  void encode_place(double x, double y, float* out) const;

  int64_t dim_;
  double image_size_;
  std::vector<float> frequencies_;                // [2, d/2]
  std::vector<std::vector<float>> label_embeds_;  // by label + 1
  compute::nn::Convolution mask_conv1_, mask_conv2_;
  compute::nn::LayerNorm mask_norm1_, mask_norm2_;
  compute::nn::Linear mask_proj_;
  ggml_tensor* no_mask_;
  ggml_tensor* image_positions_;
};

}  // namespace alref::sam2
