// SPDX-License-Identifier: Apache-2.0
#include "alref/sam2.h"

#include "alref/error.h"

#include "perception/sam2/image_predictor.h"
#include "perception/sam2/preprocess.h"
#include "perception/sam2/sam2.h"

namespace alref {

struct Sam2ImagePredictor::State {
  State(const std::string& model, const Sam2ImageOptions& image_options)
      : options(image_options),
        network(model, std::make_shared<compute::Device>(image_options.device)) {}

  Sam2ImageOptions options;
  sam2::Network network;
  int width = 0;
  int height = 0;
};

Sam2ImagePredictor::Sam2ImagePredictor(const std::string& model, const Sam2ImageOptions& options)
    : state_(std::make_unique<State>(model, options)) {}
Sam2ImagePredictor::~Sam2ImagePredictor() = default;
Sam2ImagePredictor::Sam2ImagePredictor(Sam2ImagePredictor&&) noexcept = default;
Sam2ImagePredictor& Sam2ImagePredictor::operator=(Sam2ImagePredictor&&) noexcept = default;

void Sam2ImagePredictor::set_image(const Image& image) {
  state_->network.encode([&](std::span<float> input) {
    sam2::write_image_input(image, state_->network.config(), state_->network.threads(), input);
  });
  state_->width = image.width;
  state_->height = image.height;
}

std::vector<MaskPrediction> Sam2ImagePredictor::predict(const ImagePrompt& prompt) {
  if (state_->width == 0) throw Error(ErrorKind::kInvalidArgument, "predict: no image was set");
  return sam2::predict_masks(state_->network, prompt, state_->width, state_->height,
                             state_->options.dynamic_multimask);
}

std::unique_ptr<VideoSegmenter> open_sam2(const std::string& model,
                                          const Sam2VideoOptions& options) {
  return sam2::make_sam2(model, std::make_shared<compute::Device>(options.device), options);
}

}  // namespace alref
