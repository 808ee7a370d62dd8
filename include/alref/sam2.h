// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"
#include "alref/video_segmenter.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alref {

/// What a mask is wanted of: points, a box, a mask, or a mix of them.
struct ImagePrompt {
  std::vector<Point> points;  ///< in pixels of the image
  std::vector<int> labels;    ///< of each point: 1 on the object, 0 off it
  std::optional<Box> box;     ///< cut to the image; it must not lie beside it
  /// Low-resolution logits, such as an earlier prediction's, of a quarter of the model's input
  /// size.
  std::optional<FloatMap> mask_input;
  /// Three masks instead of one, for prompts that may mean several things (a part, or the whole).
  bool multimask = false;
};

struct MaskPrediction {
  FloatMap logits;          ///< of the image's size: above 0 is the object
  FloatMap low_resolution;  ///< as the network gave them, cut to [-32, 32]
  float score = 0;          ///< the network's guess of the mask's IoU, in [0, 1]
};

struct Sam2ImageOptions {
  DeviceOptions device = {};
  /// One mask that depends much on its threshold gives way to the best of the three (the official
  /// builder's default).
  bool dynamic_multimask = false;
};

/// Masks of what is pointed at in an image (SAM 2, arXiv:2408.00714). The image is looked at once,
/// prompts are cheap. Threads: one call at a time.
class Sam2ImagePredictor {
 public:
  /// @param model  a GGUF file made by `alref convert`.
  /// @throws Error  kModel: damaged, or no SAM 2 model. kUnavailable: no such device.
  explicit Sam2ImagePredictor(const std::string& model, const Sam2ImageOptions& options = {});
  ~Sam2ImagePredictor();
  Sam2ImagePredictor(Sam2ImagePredictor&&) noexcept;
  Sam2ImagePredictor& operator=(Sam2ImagePredictor&&) noexcept;

  void set_image(const Image& image);
  /// One mask, or three where the prompt wants several.
  /// @throws Error(kInvalidArgument)  no image was set; an empty prompt; points outside the image,
  /// boxes beside it, numbers that are not finite, a mask input of another size.
  std::vector<MaskPrediction> predict(const ImagePrompt& prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Sam2VideoOptions {
  DeviceOptions device = {};
  /// Memory for features of frames looked at lately: another object, sentence or pass does not
  /// encode them again.
  size_t feature_cache_bytes = size_t{512} << 20;
  /// Each tracker's memory for tracked frames beyond those that the running pass and one in the
  /// other direction from the same start need: what corrections and passes from elsewhere can build
  /// on. Each frame of an object takes 1.3 MB at 1024 px. The farthest frames are forgotten first
  /// and are then as if never passed: a prompt there makes a conditioning frame, not a correction.
  /// Frames with prompts are never forgotten. 0 is enough for a pass forward and one back.
  size_t history_bytes = size_t{256} << 20;
  /// How many conditioning frames (those with prompts) a frame attends to, the nearest ones; -1:
  /// all, as the official code does unless told otherwise.
  int max_conditioning_frames = 8;
  /// Between memories of tracked frames; 0: as the model says (1).
  int memory_stride = 0;
  /// A single mask that depends much on its threshold gives way to the best of the three (the
  /// official builder's default).
  bool dynamic_multimask = true;
  /// Holes of at most so many pixels of the low-resolution mask are filled; 0: none. (The official
  /// predictor takes 8, on GPUs.)
  int fill_hole_area = 0;
};

/// SAM 2 for videos.
/// @param model  a GGUF file made by `alref convert`.
/// @throws Error  kModel: damaged, or no SAM 2 model. kUnavailable: no such device.
/// kInvalidArgument: an option out of range.
std::unique_ptr<VideoSegmenter> open_sam2(const std::string& model,
                                          const Sam2VideoOptions& options = {});

}  // namespace alref
