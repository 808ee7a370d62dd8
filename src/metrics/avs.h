// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace alref::metrics {

/// How AVSBench's M_J and M_F are gathered.
enum class AvsVariant {
  kOfficial,  ///< AVSBench's test.py: batches of 4 videos; frames without truth are left out of a
              ///< batch's M_F
  kPerFrame,  ///< AL-Ref-SAM 2's: each frame a batch of its own; a frame without truth counts as F
              ///< = 0
};

/// M_J and M_F of binary masks against AVSBench's truth (avs_scripts/avs_s4/utils/utility.py,
/// mask_iou and Eval_Fmeasure).
class AvsScore {
 public:
  AvsScore(AvsVariant variant, int frames_per_video)
      : batch_frames_(variant == AvsVariant::kOfficial ? 4 * frames_per_video : 1) {}

  /// The next frame, video after video. Masks of one size.
  void add(const Mask& predicted, const Mask& truth);

  /// Mean over the batches, an unfinished last one included; 0 where nothing was added.
  double mean_j() const;
  double mean_f() const;

 private:
  struct Batch {
    int frames = 0;
    double iou_sum = 0;
    int frames_with_truth = 0;
    double f_all_sum = 0;   // F at the lowest threshold, where every pixel counts as predicted
    double f_mask_sum = 0;  // F at every other threshold: the mask's own

    double j() const { return iou_sum / frames; }
    double f() const;
  };

  int batch_frames_;
  std::vector<Batch> batches_;
};

constexpr int kAvssClasses = 71;  ///< 0 is the background

/// Mean IoU and F score of AVSBench-semantic over its 71 classes
/// (avs_scripts/avss/utils/compute_color_metrics.py, _batch_miou_fscore): per frame and class,
/// averaged over the frames in which the class is predicted or true, then over all 71 classes,
/// those never seen counting as 0.
class AvssScore {
 public:
  /// Class maps [height, width] of one size, values 0 ... 70. Throws Error(kInput) for other
  /// values.
  void add(std::span<const uint8_t> predicted, std::span<const uint8_t> truth);

  double mean_iou() const { return mean_of(iou_sum_); }
  double mean_f() const { return mean_of(f_sum_); }
  /// Class by class, and in how many frames it was predicted or true.
  double class_iou(int index) const;
  int64_t class_frames(int index) const { return frames_[static_cast<size_t>(index)]; }

 private:
  double mean_of(const std::array<double, kAvssClasses>& sums) const;

  std::array<double, kAvssClasses> iou_sum_{};
  std::array<double, kAvssClasses> f_sum_{};
  std::array<int64_t, kAvssClasses> frames_{};
};

}  // namespace alref::metrics
