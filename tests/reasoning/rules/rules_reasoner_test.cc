// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/rules_reasoner.h"

#include <gmock/gmock.h>

#include "reasoning/box_world.h"
#include "reasoning/pivot_selector.h"

namespace alref::reasoning {
namespace {

constexpr std::array<uint8_t, 3> kRed = {200, 20, 20}, kBlue = {20, 20, 200}, kBlack = {10, 10, 10};
constexpr int kFrames = 60;

/// Which thing each sentence's pivots lie on, by its index in the world; -1: on none, -2: on
/// several.
int thing_meant(const std::vector<Thing>& things, const std::string& sentence) {
  BoxWorld world(kFrames, things);
  Scene scene(world, world.detector(), "world");
  RulesReasoner rules;
  const auto selection = select_pivots(scene, rules, sentence, {.on_no_pivot = OnNoPivot::kEmpty});
  int meant = -1;
  for (const Pivot& pivot : selection.pivots) {
    for (size_t i = 0; i < things.size(); ++i) {
      const auto box = things[i].box(pivot.frame);
      if (!box || iou(*box, pivot.detection.box) < 0.9f) continue;
      meant = meant == -1 || meant == static_cast<int>(i) ? static_cast<int>(i) : -2;
    }
  }
  return meant;
}

TEST(RulesReasonerTest, PlaceAmongRivals) {
  const std::vector<Thing> dogs = {{"dog", kRed, resting({200, 60}, 40)},
                                   {"dog", kRed, resting({260, 180}, 40)},
                                   {"dog", kRed, resting({60, 120}, 40)}};
  EXPECT_EQ(thing_meant(dogs, "the dog on the left"), 2);
  EXPECT_EQ(thing_meant(dogs, "the rightmost dog"), 1);
  EXPECT_EQ(thing_meant(dogs, "the dog at the top"), 0);
  EXPECT_EQ(thing_meant(dogs, "the dog at the bottom"), 1);
  EXPECT_EQ(thing_meant(dogs, "the second dog from the left"), 0);
  EXPECT_EQ(thing_meant(dogs, "the dog in the middle"), 0);
  EXPECT_EQ(thing_meant(dogs, "the dog that is not on the left, at the bottom"), 1);
}

TEST(RulesReasonerTest, Size) {
  const std::vector<Thing> dogs = {{"dog", kRed, resting({60, 60}, 40)},
                                   {"dog", kRed, resting({240, 120}, 90)},
                                   {"dog", kRed, resting({120, 180}, 60)}};
  EXPECT_EQ(thing_meant(dogs, "the largest dog"), 1);
  EXPECT_EQ(thing_meant(dogs, "the smallest dog"), 0);
  EXPECT_EQ(thing_meant(dogs, "the second largest dog"), 2);
}

TEST(RulesReasonerTest, WhatIsSeenForAMomentOnlyIsNoRival) {
  // A speck appears for two frames far on the left, and last of all.
  const std::vector<Thing> dogs = {{"dog", kRed, resting({160, 60}, 60)},
                                   {"dog", kRed, during(20, 59, resting({260, 180}, 60))},
                                   {"dog", kRed, during(40, 41, resting({20, 220}, 16))}};
  EXPECT_EQ(thing_meant(dogs, "the dog on the left"), 0);
  EXPECT_EQ(thing_meant(dogs, "the dog that appears last"), 1);
  EXPECT_NE(thing_meant(dogs, "the smallest dog"), 2);
}

TEST(RulesReasonerTest, WhatNoClipShowsIsNotMeantIfAnythingElseCanBe) {
  // Clips look at every tenth frame. The detector is surer of the thing that shows between them.
  const Thing between{"dog", kRed, during(41, 49, resting({60, 120}, 60)), 0.95f};
  const Thing always{"dog", kRed, resting({160, 120}, 60), 0.4f};
  EXPECT_EQ(thing_meant({between, always}, "the dog"), 1);
  EXPECT_EQ(thing_meant({between}, "the dog"), -1);
  // It is a rival and a landmark all the same.
  EXPECT_EQ(thing_meant({between, always}, "the dog on the left"), -1);
  const std::vector<Thing> cats = {
      {"cat", kRed, resting({280, 60}, 40)}, {"cat", kRed, resting({60, 190}, 40)}, between};
  EXPECT_EQ(thing_meant(cats, "the cat next to the dog"), 1);
}

TEST(RulesReasonerTest, Motion) {
  const std::vector<Thing> cars = {{"car", kRed, moving({60, 60}, {260, 60}, 40, kFrames)},
                                   {"car", kRed, moving({260, 120}, {60, 120}, 40, kFrames)},
                                   {"car", kRed, resting({160, 190}, 40)},
                                   {"car", kRed, moving({40, 190}, {45, 190}, 25, kFrames, 60)}};
  EXPECT_EQ(thing_meant(cars, "the car moving right"), 0);
  EXPECT_EQ(thing_meant(cars, "the car driving to the left"), 1);
  EXPECT_EQ(thing_meant(cars, "the car that is not moving"), 2);
  EXPECT_EQ(thing_meant(cars, "the car coming closer"), 3);
}

TEST(RulesReasonerTest, SwayAndSpeed) {
  const auto swaying = [](int frame) -> std::optional<Box> {
    const float x = 160 + 80 * std::sin(static_cast<float>(frame) / 6);
    return Box{x - 20, 40, x + 20, 80};
  };
  const std::vector<Thing> balls = {{"ball", kRed, swaying},
                                    {"ball", kRed, moving({60, 150}, {150, 150}, 40, kFrames)},
                                    {"ball", kRed, resting({250, 200}, 40)}};
  EXPECT_EQ(thing_meant(balls, "the ball moving back and forth"), 0);
  EXPECT_EQ(thing_meant(balls, "the fastest ball"), 0);
  EXPECT_EQ(thing_meant(balls, "the ball that stays still"), 2);
}

TEST(RulesReasonerTest, OrderOfAppearance) {
  const std::vector<Thing> birds = {{"bird", kRed, during(20, 59, resting({60, 60}, 40))},
                                    {"bird", kRed, during(0, 30, resting({160, 120}, 40))},
                                    {"bird", kRed, during(40, 50, resting({260, 180}, 40))}};
  EXPECT_EQ(thing_meant(birds, "the bird that appears first"), 1);
  EXPECT_EQ(thing_meant(birds, "the second bird to appear"), 0);
  EXPECT_EQ(thing_meant(birds, "the last bird to appear"), 2);
  EXPECT_EQ(thing_meant(birds, "the bird that disappears first"), 1);
  EXPECT_EQ(thing_meant(birds, "the bird that disappears last"), 0);
}

TEST(RulesReasonerTest, ColourIsMeasured) {
  const std::vector<Thing> cars = {{"car", kRed, resting({60, 60}, 60)},
                                   {"car", kBlue, resting({200, 150}, 60)},
                                   {"car", kBlack, resting({60, 180}, 60)}};
  EXPECT_EQ(thing_meant(cars, "the blue car"), 1);
  EXPECT_EQ(thing_meant(cars, "the black car"), 2);
  EXPECT_EQ(thing_meant(cars, "the car that is not black, on the left"), 0);
}

TEST(RulesReasonerTest, RelationToAnotherThing) {
  const std::vector<Thing> things = {{"dog", kRed, resting({60, 120}, 40)},
                                     {"dog", kRed, resting({270, 120}, 40)},
                                     {"tree", kBlack, resting({160, 120}, 60)}};
  EXPECT_EQ(thing_meant(things, "the dog to the left of the tree"), 0);
  EXPECT_EQ(thing_meant(things, "the dog to the right of the tree"), 1);
  EXPECT_EQ(thing_meant(things, "the tree between the two dogs"), 2);
  EXPECT_EQ(thing_meant(things, "the dog on the right of the other dog"), 1);
}

TEST(RulesReasonerTest, PartsOfTheVideo) {
  const std::vector<Thing> dogs = {{"dog", kRed, moving({60, 60}, {260, 60}, 40, kFrames)},
                                   {"dog", kBlue, moving({260, 180}, {60, 180}, 40, kFrames)}};
  EXPECT_EQ(thing_meant(dogs, "the dog on the left at the beginning"), 0);
  EXPECT_EQ(thing_meant(dogs, "the dog on the left at the end"), 1);
}

TEST(RulesReasonerTest, WhatIsNotThereIsNotFound) {
  const std::vector<Thing> dogs = {{"dog", kRed, resting({60, 60}, 40)},
                                   {"cat", kRed, resting({160, 60}, 40), 0.27f}};
  EXPECT_EQ(thing_meant(dogs, "the horse"), -1);
  EXPECT_EQ(thing_meant(dogs, "the cat"),
            -1);  // above the box threshold, below what presence needs
  EXPECT_EQ(thing_meant(dogs, "the dog"), 0);
}

TEST(RulesReasonerTest, WhatContradictsTheSentenceIsNotMeant) {
  const std::vector<Thing> dogs = {{"dog", kRed, moving({60, 60}, {260, 60}, 40, kFrames)}};
  EXPECT_EQ(thing_meant(dogs, "the dog moving left"), -1);
}

TEST(RulesReasonerTest, PivotFrameShowsItWholeAndLarge) {
  // Enters at the left border and grows; later a rival covers it.
  const auto box = [](int frame) -> std::optional<Box> {
    const float left = std::min(60.0f, 8.0f * static_cast<float>(frame) - 20);
    const float size = std::min(80.0f, 40.0f + 3 * static_cast<float>(frame));
    return Box{std::max(0.0f, left), 60, left + size, 60 + size};
  };
  const std::vector<Thing> dogs = {{"dog", kRed, box},
                                   {"dog", kBlue, [](int frame) -> std::optional<Box> {
                                      const float x = frame < 35 ? 220 : 75;
                                      return Box{x, 60, x + 80, 140};
                                    }}};
  BoxWorld world(kFrames, dogs);
  Scene scene(world, world.detector(), "world");
  RulesReasoner rules;
  const auto selection =
      select_pivots(scene, rules, "the red dog", {.on_no_pivot = OnNoPivot::kEmpty});
  ASSERT_FALSE(selection.pivots.empty());
  EXPECT_EQ(selection.clips[0].frame.value(), 20);
  EXPECT_THAT(selection.clips[0].frame_choice->reply, testing::HasSubstr("dog: colour=red"));
}

TEST(RulesReasonerTest, DetectsEachFrameOnceForAllSentencesOfANoun) {
  BoxWorld world(kFrames,
                 {{"dog", kRed, resting({60, 60}, 40)}, {"dog", kBlue, resting({200, 60}, 40)}});
  Scene scene(world, world.detector(), "world");
  RulesReasoner rules({.detect_every = 10});
  for (const char* sentence : {"the dog on the left", "the dog on the right", "the blue dog"}) {
    select_pivots(scene, rules, sentence, {.on_no_pivot = OnNoPivot::kEmpty});
  }
  EXPECT_EQ(world.detections, 6);
}

TEST(RulesReasonerTest, ImagesAndShortVideosHaveAPivot) {
  for (const int frames : {1, 7}) {
    BoxWorld world(frames,
                   {{"dog", kRed, resting({60, 60}, 40)}, {"dog", kBlue, resting({200, 60}, 40)}});
    Scene scene(world, world.detector(), "world");
    RulesReasoner rules;
    const auto selection =
        select_pivots(scene, rules, "the dog on the right", {.on_no_pivot = OnNoPivot::kEmpty});
    ASSERT_EQ(selection.pivots.size(), 1u);
    EXPECT_FLOAT_EQ(selection.pivots[0].detection.box.x0, 180);
  }
}

}  // namespace
}  // namespace alref::reasoning
