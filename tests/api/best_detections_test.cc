// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"
#include "alref/grounding_dino.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alref {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kAll = 100;

// Boxes are told apart by their scores.
Detection found(float score, const Box& box, const std::string& phrase = "dog") {
  return {.box = box, .score = score, .phrase = phrase, .phrase_offset = 0};
}

std::vector<float> scores(const std::vector<Detection>& detections) {
  std::vector<float> result;
  result.reserve(detections.size());
  for (const Detection& one : detections) result.push_back(one.score);
  return result;
}

constexpr Box kBox{10, 10, 20, 20};
constexpr Box kHalf{10, 10, 20, 15};     // IoU with kBox: 0.5
constexpr Box kQuarter{10, 10, 15, 15};  // with kHalf: 0.5; with kBox: 0.25
constexpr Box kElsewhere{50, 50, 60, 60};

TEST(BestDetectionsTest, ComeByFallingScore) {
  EXPECT_THAT(scores(best_detections(
                  {found(0.3f, kBox), found(0.9f, kElsewhere), found(0.5f, kHalf)}, 1, kAll)),
              ElementsAre(0.9f, 0.5f, 0.3f));
}

TEST(BestDetectionsTest, OfEqualScoresKeepTheirOrder) {
  const auto best = best_detections(
      {found(0.5f, kBox, "a"), found(0.5f, kElsewhere, "b"), found(0.5f, kHalf, "c")}, 1, kAll);
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].phrase + best[1].phrase + best[2].phrase, "abc");
}

TEST(BestDetectionsTest, LeaveOutWhatOverlapsABetterOneTooMuch) {
  const std::vector<Detection> all = {found(0.9f, kBox), found(0.8f, kHalf),
                                      found(0.7f, kElsewhere)};
  EXPECT_THAT(scores(best_detections(all, 0.4f, kAll)), ElementsAre(0.9f, 0.7f));
  // The bound itself is allowed.
  EXPECT_THAT(scores(best_detections(all, 0.5f, kAll)), ElementsAre(0.9f, 0.8f, 0.7f));
}

TEST(BestDetectionsTest, OfOneKeepTheSameBoxTwice) {
  EXPECT_THAT(scores(best_detections({found(0.9f, kBox), found(0.8f, kBox)}, 1, kAll)),
              ElementsAre(0.9f, 0.8f));
  EXPECT_THAT(scores(best_detections({found(0.9f, kBox), found(0.8f, kBox)}, 0.99f, kAll)),
              ElementsAre(0.9f));
}

TEST(BestDetectionsTest, DifferentPhrasesDoNotCompete) {
  EXPECT_THAT(
      scores(best_detections({found(0.9f, kBox, "dog"), found(0.8f, kBox, "hat")}, 0, kAll)),
      ElementsAre(0.9f, 0.8f));
}

// kQuarter overlaps kHalf, which is not there any more.
TEST(BestDetectionsTest, WhatWasLeftOutDrivesNothingOut) {
  EXPECT_THAT(scores(best_detections({found(0.9f, kBox), found(0.8f, kHalf), found(0.7f, kQuarter)},
                                     0.4f, kAll)),
              ElementsAre(0.9f, 0.7f));
}

TEST(BestDetectionsTest, AreCountedAfterOverlapsAreGone) {
  const std::vector<Detection> all = {found(0.9f, kBox), found(0.8f, kHalf),
                                      found(0.7f, kElsewhere), found(0.6f, kQuarter)};
  EXPECT_THAT(scores(best_detections(all, 0.4f, 2)), ElementsAre(0.9f, 0.7f));
  EXPECT_THAT(best_detections(all, 0.4f, 0), IsEmpty());
  EXPECT_THAT(best_detections({}, 0.4f, 2), IsEmpty());
}

TEST(BestDetectionsTest, NeedAThresholdFromZeroToOne) {
  for (const float threshold : {-0.1f, 1.1f, std::nanf("")}) {
    EXPECT_THROW(best_detections({found(0.9f, kBox)}, threshold, kAll), Error) << threshold;
  }
}

}  // namespace
}  // namespace alref
