// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compute/nn/convolution.h"
#include "perception/sam2/image_encoder.h"
#include "perception/sam2/two_way_transformer.h"

namespace alref::sam2 {

/// Masks, their expected quality and whether the object is there at all
/// (sam2/modeling/sam/mask_decoder.py, predict_masks).
class MaskDecoder {
 public:
  MaskDecoder(const compute::Weights& w, const Config& config);

  /// The decoder's own tokens, which stand before the prompt's: object score, quality, masks. [2 +
  /// masks, d]
  const std::vector<float>& own_tokens() const { return own_tokens_; }

  struct Result {
    ggml_tensor* masks;  ///< [masks, 4n * 4n] logits; mask 0 is the one for unambiguous prompts
    ggml_tensor* ious;   ///< [masks], in [0, 1]
    ggml_tensor* mask_tokens;   ///< [masks, d]
    ggml_tensor* object_score;  ///< [1] logit of the object being visible
  };
  /// image [n * n, d] with the prompt's mask added, its positions, tokens [2 + masks + prompt, d].
  Result operator()(compute::Graph& g, ggml_tensor* image, ggml_tensor* image_positions,
                    ggml_tensor* tokens, const Features& features) const;

 private:
  std::vector<float> own_tokens_;
  int64_t masks_;
  TwoWayTransformer transformer_;
  compute::nn::ConvolutionTransposed2x2 upscale1_, upscale2_;
  compute::nn::LayerNorm upscale_norm_;
  std::vector<compute::nn::Mlp> hypernetworks_;
  compute::nn::Mlp iou_head_, object_score_head_;
};

}  // namespace alref::sam2
