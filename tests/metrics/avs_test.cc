// SPDX-License-Identifier: Apache-2.0
#include "metrics/avs.h"

#include "alref/error.h"

#include <gtest/gtest.h>

#include "metrics/goldens.h"
#include "metrics/random_masks.h"

namespace alref::metrics {
namespace {

constexpr double kTolerance = 1e-9;  // the official code's 1e-20 in a divisor is left out of ours

Mask part_filled(int pixels) {
  Mask mask(10, 10);
  std::fill_n(mask.pixels.begin(), pixels, uint8_t{1});
  return mask;
}

TEST(AvsTest, BothVariantsAgreeWithAnIndependentImplementation) {
  AvsScore official(AvsVariant::kOfficial, 5), per_frame(AvsVariant::kPerFrame, 5);
  Random random(3);
  for (int i = 0; i < 50; ++i) {
    const Mask predicted = random_mask(random, 56, 56), truth = random_mask(random, 56, 56);
    official.add(predicted, truth);
    per_frame.add(predicted, truth);
  }
  EXPECT_NEAR(official.mean_j(), kAvs[0].first, kTolerance);
  EXPECT_NEAR(official.mean_f(), kAvs[0].second, kTolerance);
  EXPECT_NEAR(per_frame.mean_j(), kAvs[1].first, kTolerance);
  EXPECT_NEAR(per_frame.mean_f(), kAvs[1].second, kTolerance);
}

TEST(AvsTest, WithoutTruthJIsTheShareRightlyLeftOut) {
  AvsScore score(AvsVariant::kPerFrame, 5);
  score.add(part_filled(25), part_filled(0));
  EXPECT_NEAR(score.mean_j(), 0.75, 1e-8);
  EXPECT_EQ(score.mean_f(), 0);
}

TEST(AvsTest, AFrameWithoutTruthIsLeftOutOfABatchsF) {
  AvsScore score(AvsVariant::kOfficial, 5);
  score.add(part_filled(20), part_filled(20));
  score.add(part_filled(0), part_filled(0));
  EXPECT_DOUBLE_EQ(score.mean_f(), 1);
}

TEST(AvsTest, ABatchWithoutAnyTruthCountsAsZeroF) {
  AvsScore score(AvsVariant::kOfficial, 1);  // batches of 4 frames
  for (int i = 0; i < 4; ++i) score.add(part_filled(0), part_filled(0));
  for (int i = 0; i < 4; ++i) score.add(part_filled(20), part_filled(20));
  EXPECT_DOUBLE_EQ(score.mean_f(), 0.5);
  EXPECT_NEAR(score.mean_j(), 1, 1e-8);
}

TEST(AvsTest, AnEmptyAnswerStillGetsTheFloorOfThresholdZero) {
  AvsScore score(AvsVariant::kPerFrame, 5);
  score.add(part_filled(0), part_filled(20));
  EXPECT_DOUBLE_EQ(score.mean_f(), 1.3 * 0.2 / (0.3 * 0.2 + 1));
  EXPECT_EQ(score.mean_j(), 0);
}

TEST(AvsTest, OfNothingIsZero) {
  EXPECT_EQ(AvsScore(AvsVariant::kOfficial, 5).mean_j(), 0);
  EXPECT_EQ(AvssScore().mean_iou(), 0);
}

TEST(AvssTest, AgreesWithAnIndependentImplementation) {
  AvssScore score;
  Random random(4);
  for (int i = 0; i < 12; ++i) {
    std::vector<uint8_t> maps[2];
    for (auto& map : maps) {
      map.assign(24 * 24, 0);
      for (int k = 0; k < 4; ++k) {
        const auto label = static_cast<uint8_t>(random.below(kAvssClasses));
        const Mask where = random_mask(random, 24, 24);
        for (size_t p = 0; p < map.size(); ++p) {
          if (where.pixels[p]) map[p] = label;
        }
      }
    }
    score.add(maps[0], maps[1]);
  }
  EXPECT_NEAR(score.mean_iou(), kAvss[0].first, kTolerance);
  EXPECT_NEAR(score.mean_f(), kAvss[0].second, kTolerance);
}

TEST(AvssTest, ClassesNeverSeenCountAsZero) {
  AvssScore score;
  const std::vector<uint8_t> background(16, 0);
  score.add(background, background);
  EXPECT_DOUBLE_EQ(score.mean_iou(), 1.0 / kAvssClasses);
  EXPECT_EQ(score.class_frames(0), 1);
  EXPECT_EQ(score.class_frames(1), 0);
}

TEST(AvssTest, RefusesClassesOutOfRange) {
  AvssScore score;
  const std::vector<uint8_t> wrong(4, 71), right(4, 0);
  EXPECT_THROW(score.add(wrong, right), Error);
}

}  // namespace
}  // namespace alref::metrics
