// SPDX-License-Identifier: Apache-2.0
#include "metrics/davis.h"

#include "alref/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/assignment.h"
#include "metrics/boundary.h"
#include "metrics/goldens.h"
#include "metrics/random_masks.h"

namespace alref::metrics {
namespace {

// Both sides count pixels exactly and divide in double.
constexpr double kTolerance = 1e-12;

Mask filled(int width, int height, uint8_t value) {
  Mask mask(width, height);
  mask.pixels.assign(mask.pixels.size(), value);
  return mask;
}

TEST(RegionSimilarityTest, OfTwoEmptyMasksIsOne) {
  EXPECT_EQ(region_similarity(Mask(4, 3), Mask(4, 3)), 1);
}

TEST(RegionSimilarityTest, LeavesIgnoredPixelsOut) {
  Mask predicted(4, 1), truth(4, 1), ignored(4, 1);
  predicted.pixels = {1, 1, 0, 0};
  truth.pixels = {1, 0, 0, 1};
  EXPECT_DOUBLE_EQ(region_similarity(predicted, truth), 1.0 / 3);
  ignored.pixels = {0, 1, 0, 0};
  EXPECT_DOUBLE_EQ(region_similarity(predicted, truth, &ignored), 0.5);
}

TEST(RegionSimilarityTest, RefusesMasksOfDifferentSize) {
  EXPECT_THROW(region_similarity(Mask(4, 3), Mask(3, 4)), Error);
}

TEST(BoundaryTest, IsNotDrawnAtTheImagesBorder) {
  EXPECT_EQ(boundary_of(filled(5, 4, 1)).area(), 0u);
}

TEST(BoundaryTest, OfOnePixelIsItAndItsUpperLeftNeighbours) {
  Mask mask(4, 4);
  mask.row(2)[2] = 1;
  Mask expected(4, 4);
  for (int y : {1, 2}) {
    for (int x : {1, 2}) expected.row(y)[x] = 1;
  }
  EXPECT_EQ(boundary_of(mask), expected);
}

TEST(BoundaryTest, RadiusFollowsTheDiagonal) {
  // 224 x 224: 0.008 * 316.8 = 2.53 -> 3 pixels. A one-pixel wide line moved by 3 still matches, by
  // 4 it does not.
  Mask line(224, 224), by_three(224, 224), by_four(224, 224);
  for (int y = 0; y < 224; ++y) line.row(y)[100] = by_three.row(y)[103] = by_four.row(y)[105] = 1;
  EXPECT_EQ(boundary_accuracy(by_three, line), 1);
  EXPECT_LT(boundary_accuracy(by_four, line), 1);
}

TEST(BoundaryAccuracyTest, GoesByBoundaryPixelsWhereOneMaskIsEmpty) {
  Mask some(8, 8);
  some.row(4)[4] = 1;
  EXPECT_EQ(boundary_accuracy(Mask(8, 8), some), 0);
  EXPECT_EQ(boundary_accuracy(some, Mask(8, 8)), 0);
  EXPECT_EQ(boundary_accuracy(Mask(8, 8), Mask(8, 8)), 1);
  // A mask that fills the frame has no boundary, so an empty answer scores J = 0 but F = 1.
  EXPECT_EQ(boundary_accuracy(Mask(8, 8), filled(8, 8, 1)), 1);
  EXPECT_EQ(region_similarity(Mask(8, 8), filled(8, 8, 1)), 0);
}

TEST(DilationTest, IsADisk) {
  Mask mask(7, 7);
  mask.row(3)[3] = 1;
  const Mask dilated = dilate_by_disk(mask, 2);
  EXPECT_EQ(dilated.area(), 13u);  // skimage.morphology.disk(2) has 13 pixels
  EXPECT_TRUE(dilated.row(1)[3]);
  EXPECT_FALSE(dilated.row(1)[2]);
}

TEST(DavisTest, AgreesWithAnIndependentImplementation) {
  constexpr int kSizes[][2] = {{64, 48}, {33, 77}, {2, 2}, {2, 5}, {160, 90}, {224, 224}};
  Random random(1);
  for (size_t i = 0; i < kDavisFrames.size(); ++i) {
    const auto& [width, height] = kSizes[i % std::size(kSizes)];
    const Mask predicted = random_mask(random, width, height),
               truth = random_mask(random, width, height);
    const bool has_void = i % 3 == 0;
    const Mask ignored = has_void ? random_mask(random, width, height) : Mask();
    EXPECT_NEAR(region_similarity(predicted, truth, has_void ? &ignored : nullptr),
                kDavisFrames[i].first, kTolerance)
        << i;
    EXPECT_NEAR(boundary_accuracy(predicted, truth, has_void ? &ignored : nullptr),
                kDavisFrames[i].second, kTolerance)
        << i;
  }
}

std::vector<std::vector<Mask>> random_tracks(Random& random, int objects) {
  std::vector<std::vector<Mask>> tracks(static_cast<size_t>(objects));
  for (auto& track : tracks) {
    for (int frame = 0; frame < 3; ++frame) track.push_back(random_mask(random, 40, 30));
  }
  return tracks;
}

TEST(MatchedTracksTest, AgreesWithAnIndependentImplementation) {
  Random random(2);
  const auto predicted = random_tracks(random, 4), truth = random_tracks(random, 3);
  const std::vector<TrackScores> scores = score_matched_tracks(predicted, truth);
  ASSERT_EQ(scores.size(), kMatchedTracks.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(scores[i].mean_j(), kMatchedTracks[i].first, kTolerance);
    EXPECT_NEAR(scores[i].mean_f(), kMatchedTracks[i].second, kTolerance);
  }
}

TEST(MatchedTracksTest, ForgivesSwappedIdentitiesAndPadsMissingObjects) {
  Random random(5);
  const auto truth = random_tracks(random, 3);
  const std::vector<std::vector<Mask>> swapped = {truth[1], truth[0]};
  const std::vector<TrackScores> scores = score_matched_tracks(swapped, truth);
  EXPECT_EQ(scores[0].mean(), 1);
  EXPECT_EQ(scores[1].mean(), 1);
  EXPECT_EQ(scores[2].mean_j(), score_track(std::vector<Mask>(3, Mask(40, 30)), truth[2]).mean_j());
}

TEST(MatchedTracksTest, RefusesMoreThanTwentyProposals) {
  Random random(6);
  EXPECT_THROW(score_matched_tracks(random_tracks(random, 21), random_tracks(random, 1)), Error);
}

TEST(AssignmentTest, TakesTheLargestSumNotTheLargestFirst) {
  EXPECT_THAT(best_assignment({{0.9, 0.8}, {0.8, 0.0}}), ::testing::ElementsAre(1, 0));
  EXPECT_THAT(best_assignment({{0.1}, {0.3}, {0.2}}), ::testing::ElementsAre(1));
  EXPECT_TRUE(best_assignment({}).empty());
}

}  // namespace
}  // namespace alref::metrics
