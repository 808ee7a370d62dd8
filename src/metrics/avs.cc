// SPDX-License-Identifier: Apache-2.0
#include "metrics/avs.h"

#include "alref/error.h"

#include <algorithm>
#include <string>

namespace alref::metrics {
namespace {

constexpr double kBetaSquared = 0.3;

// 0 where it is undefined, as the official code sets NaN to 0.
double f_score(double precision, double recall) {
  const double divisor = kBetaSquared * precision + recall;
  return divisor > 0 ? (1 + kBetaSquared) * precision * recall / divisor : 0;
}

}  // namespace

double AvsScore::Batch::f() const {
  // The official curve has 255 thresholds from 0 to 1. A binary mask is all of the image at the
  // first and itself at the others, so that the curve has two values; its largest counts.
  return frames_with_truth == 0 ? 0 : std::max(f_all_sum, f_mask_sum) / frames_with_truth;
}

void AvsScore::add(const Mask& predicted, const Mask& truth) {
  if (predicted.width != truth.width || predicted.height != truth.height) {
    throw Error(ErrorKind::kInput, "masks differ in size: expected " + std::to_string(truth.width) +
                                       " x " + std::to_string(truth.height) + ", got " +
                                       std::to_string(predicted.width) + " x " +
                                       std::to_string(predicted.height));
  }
  if (batches_.empty() || batches_.back().frames == batch_frames_) batches_.emplace_back();
  Batch& batch = batches_.back();
  ++batch.frames;

  double both = 0, either = 0, found = 0, wanted = 0;
  for (size_t i = 0; i < truth.pixels.size(); ++i) {
    const bool p = predicted.pixels[i] != 0, t = truth.pixels[i] != 0;
    both += p && t;
    either += p || t;
    found += p;
    wanted += t;
  }
  const double pixels = static_cast<double>(truth.pixels.size());
  if (wanted == 0) {
    batch.iou_sum +=
        (pixels - found) / (pixels + 1e-7);  // share of the image that is rightly left out
    return;
  }
  batch.iou_sum += both / (either + 1e-7);
  ++batch.frames_with_truth;
  batch.f_all_sum += f_score(wanted / pixels, 1);
  batch.f_mask_sum += found > 0 ? f_score(both / found, both / wanted) : 0;
}

double AvsScore::mean_j() const {
  double sum = 0;
  for (const Batch& batch : batches_) sum += batch.j();
  return batches_.empty() ? 0 : sum / static_cast<double>(batches_.size());
}

double AvsScore::mean_f() const {
  double sum = 0;
  for (const Batch& batch : batches_) sum += batch.f();
  return batches_.empty() ? 0 : sum / static_cast<double>(batches_.size());
}

void AvssScore::add(std::span<const uint8_t> predicted, std::span<const uint8_t> truth) {
  if (predicted.size() != truth.size()) {
    throw Error(ErrorKind::kInput, "class maps differ in size: expected " +
                                       std::to_string(truth.size()) + " pixels, got " +
                                       std::to_string(predicted.size()));
  }
  std::array<double, kAvssClasses> both{}, found{}, wanted{};
  for (size_t i = 0; i < truth.size(); ++i) {
    if (predicted[i] >= kAvssClasses || truth[i] >= kAvssClasses) {
      throw Error(ErrorKind::kInput, "class map: expected classes 0 to 70, got " +
                                         std::to_string(std::max(predicted[i], truth[i])));
    }
    ++found[predicted[i]];
    ++wanted[truth[i]];
    if (predicted[i] == truth[i]) ++both[truth[i]];
  }
  for (size_t c = 0; c < kAvssClasses; ++c) {
    const double either = found[c] + wanted[c] - both[c];
    if (either == 0) continue;
    ++frames_[c];
    iou_sum_[c] += both[c] / either;
    if (both[c] > 0) f_sum_[c] += f_score(both[c] / found[c], both[c] / wanted[c]);
  }
}

double AvssScore::class_iou(int index) const {
  const auto c = static_cast<size_t>(index);
  return frames_[c] == 0 ? 0 : iou_sum_[c] / static_cast<double>(frames_[c]);
}

double AvssScore::mean_of(const std::array<double, kAvssClasses>& sums) const {
  double total = 0;
  for (size_t c = 0; c < kAvssClasses; ++c) {
    if (frames_[c] > 0) total += sums[c] / static_cast<double>(frames_[c]);
  }
  return total / kAvssClasses;
}

}  // namespace alref::metrics
