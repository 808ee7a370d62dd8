// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/segmenter.h"

#include "alref/error.h"

#include <cassert>
#include <string>

#include "perception/sam2/image_predictor.h"
#include "perception/sam2/preprocess.h"
#include "perception/sam2/tracker.h"

namespace alref::sam2 {

Segmenter::Segmenter(std::unique_ptr<Network> network, bool half_features,
                     const Sam2VideoOptions& options)
    : network_(std::move(network)),
      options_(options),
      cache_(options.feature_cache_bytes, half_features) {
  if (options.max_conditioning_frames != -1 && options.max_conditioning_frames < 2) {
    throw Error(ErrorKind::kInvalidArgument,
                "conditioning frames: expected -1 (all) or at least 2, got " +
                    std::to_string(options.max_conditioning_frames));
  }
  if (options.memory_stride < 0 || options.fill_hole_area < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                "memory stride and hole area: expected 0 or more, got " +
                    std::to_string(options.memory_stride) + " and " +
                    std::to_string(options.fill_hole_area));
  }
}

bool Segmenter::look_at(FrameSource& frames, int frame) {
  const std::shared_ptr<const Image> image = frames.frame(frame);
  if (!image) return false;
  const uint64_t key = fingerprint(*image);
  if (current_ == key) return true;
  current_.reset();  // an exception must not leave half of the features behind
  if (!cache_.restore(key, *network_)) {
    network_->encode([&](std::span<float> input) {
      write_frame_input(*image, network_->config(), network_->threads(), input);
    });
    if (frame >= returning_.first && frame <= returning_.second) cache_.keep(key, *network_);
  }
  current_ = key;
  return true;
}

void Segmenter::stretch(const FloatMap& mask, int width, int height, FloatMap& to) {
  const auto side = static_cast<int>(network_->config().mask_size());
  assert(mask.width == side && mask.height == side);
  if (!stretching_ || stretching_->width != width || stretching_->height != height) {
    stretching_.emplace(
        Stretching{width, height, MapResizer(Resampling::kBilinear, side, side, width, height)});
  }
  stretching_->resizer(mask, to);
}

FloatMap Segmenter::mask_of_box(FrameSource& frames, int frame, const Box& box) {
  if (!look_at(frames, frame)) {
    throw Error(ErrorKind::kInvalidArgument,
                "frame " + std::to_string(frame) + ": the video has no such frame");
  }
  ImagePrompt prompt;
  prompt.box = box;
  return predict_masks(*network_, prompt, frames.width(), frames.height(),
                       /*dynamic_multimask=*/false)
      .front()
      .logits;
}

std::unique_ptr<VideoTracker> Segmenter::open(FrameSource& frames) {
  return std::make_unique<Tracker>(*this, frames);
}

}  // namespace alref::sam2
