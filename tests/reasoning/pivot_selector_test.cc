// SPDX-License-Identifier: Apache-2.0
#include "reasoning/pivot_selector.h"

#include "alref/error.h"

#include <gmock/gmock.h>

#include "reasoning/box_world.h"

namespace alref::reasoning {
namespace {

using testing::ElementsAre;

/// Gives the numbers it was told to, and remembers what it was asked.
class ScriptedReasoner : public Reasoner {
 public:
  std::string_view name() const override { return "script"; }
  std::vector<Choice> choose_frames(Scene&, std::string_view,
                                    std::span<const Clip> clips) override {
    std::vector<Choice> choices(clips.size());
    for (const Clip& clip : clips)
      choices[static_cast<size_t>(clip.index)].number = frames.at(clip.index);
    return choices;
  }
  std::vector<Choice> choose_boxes(Scene&, std::string_view,
                                   std::span<const BoxQuestion> questions) override {
    std::vector<Choice> choices(questions.size());
    for (size_t i = 0; i < questions.size(); ++i) {
      asked.push_back(questions[i]);
      choices[i].number = boxes.at(questions[i].clip.index);
    }
    return choices;
  }

  std::map<int, std::optional<int>> frames, boxes;
  std::vector<BoxQuestion> asked;
};

std::vector<Thing> four_dogs() {
  constexpr std::array<uint8_t, 3> kRed = {200, 20, 20};
  return {{"dog", kRed, resting({40, 60}, 40), 0.4f},
          {"dog", kRed, resting({120, 60}, 40), 0.9f},
          {"dog", kRed, resting({200, 60}, 40), 0.3f},
          {"dog", kRed, resting({280, 60}, 40), 0.6f}};
}

class PivotSelectorTest : public testing::Test {
 protected:
  PivotSelection select(int frames, const PivotOptions& options = {}) {
    world_ = std::make_unique<BoxWorld>(frames, things_);
    scene_ = std::make_unique<Scene>(*world_, world_->detector(), "world");
    return select_pivots(*scene_, reasoner_, "the dog", options);
  }
  static std::vector<int> frames_of(const PivotSelection& selection) {
    std::vector<int> frames;
    for (const Pivot& p : selection.pivots) frames.push_back(p.frame);
    return frames;
  }

  std::vector<Thing> things_ = four_dogs();
  ScriptedReasoner reasoner_;
  std::unique_ptr<BoxWorld> world_;
  std::unique_ptr<Scene> scene_;
};

TEST_F(PivotSelectorTest, PivotFrameIsFiftyAClipAndTenANumber) {
  reasoner_.frames = {{0, 3}, {1, 1}, {2, 2}};
  reasoner_.boxes = {{0, 1}, {1, 1}, {2, 1}};
  EXPECT_THAT(frames_of(select(120)), ElementsAre(20, 50, 110));
}

TEST_F(PivotSelectorTest, NumbersPastTheEndOrOutOfRangeDropTheClip) {
  reasoner_.frames = {{0, 6}, {1, 0}, {2, 3}};  // clip 2 has the frames 100 and 110 only
  const auto selection = select(120, {.on_no_pivot = OnNoPivot::kEmpty});
  EXPECT_TRUE(selection.pivots.empty());
  EXPECT_FALSE(selection.fallback);
  EXPECT_EQ(world_->detections, 0);
  EXPECT_TRUE(reasoner_.asked.empty());
}

TEST_F(PivotSelectorTest, AtMostThreeBoxesAreAskedAboutTheBestFirst) {
  reasoner_.frames = {{0, 2}};
  reasoner_.boxes = {{0, 2}};
  const auto selection = select(30);
  ASSERT_EQ(reasoner_.asked.size(), 1u);
  std::vector<float> scores;
  for (const Detection& d : reasoner_.asked[0].boxes) scores.push_back(d.score);
  EXPECT_THAT(scores, ElementsAre(0.9f, 0.6f, 0.4f));
  EXPECT_EQ(reasoner_.asked[0].number, 2);
  ASSERT_EQ(selection.pivots.size(), 1u);
  EXPECT_FLOAT_EQ(selection.pivots[0].detection.score, 0.6f);
}

TEST_F(PivotSelectorTest, BoxesMustScoreAboveTheThreshold) {
  things_[1].score = 0.25f;  // not above 0.25
  things_.resize(2);
  reasoner_.frames = {{0, 1}};
  reasoner_.boxes = {{0, 1}};
  select(30);
  ASSERT_EQ(reasoner_.asked.size(), 1u);
  EXPECT_EQ(reasoner_.asked[0].boxes.size(), 1u);
}

TEST_F(PivotSelectorTest, ClipWithoutBoxesIsNotAskedAboutAndGivesNoPivot) {
  things_ = {{"dog", {0, 0, 0}, during(0, 49, resting({60, 60}, 40))}};
  reasoner_.frames = {{0, 1}, {1, 1}};
  reasoner_.boxes = {{0, 1}};
  EXPECT_THAT(frames_of(select(100)), ElementsAre(0));
  EXPECT_EQ(reasoner_.asked.size(), 1u);
}

TEST_F(PivotSelectorTest, BoxNumbersOutOfRangeDropTheClip) {
  for (const std::optional<int> number :
       {std::optional<int>(), std::optional(0), std::optional(-1), std::optional(4)}) {
    reasoner_.frames = {{0, 1}};
    reasoner_.boxes = {{0, number}};
    EXPECT_TRUE(select(30, {.on_no_pivot = OnNoPivot::kEmpty}).pivots.empty());
  }
}

TEST_F(PivotSelectorTest, FallbackIsTheBestBoxOfFrameZeroAtALowThreshold) {
  things_ = {{"dog", {0, 0, 0}, resting({60, 60}, 40), 0.01f},
             {"dog", {0, 0, 0}, resting({160, 60}, 40), 0.02f}};
  reasoner_.frames = {{0, std::nullopt}};
  const auto selection = select(30);
  ASSERT_EQ(selection.pivots.size(), 1u);
  EXPECT_EQ(selection.pivots[0].frame, 0);
  EXPECT_FLOAT_EQ(selection.pivots[0].detection.score, 0.02f);
  EXPECT_TRUE(selection.fallback);
  EXPECT_TRUE(select(30, {.fallback_box_threshold = 0.1f}).pivots.empty());
}

TEST_F(PivotSelectorTest, VideosOfTenFramesFallBack) {
  const auto selection = select(10);
  EXPECT_TRUE(selection.clips.empty());
  EXPECT_TRUE(selection.fallback);
}

TEST_F(PivotSelectorTest, WithoutPivotFrameChoiceTheFirstSampledFramesAreTaken) {
  reasoner_.boxes = {{0, 1}, {1, 1}};
  EXPECT_THAT(frames_of(select(100, {.choose_frame = false})), ElementsAre(0, 50));
}

TEST_F(PivotSelectorTest, WithoutPivotBoxChoiceTheBestBoxIsTakenEvenIfWeak) {
  things_ = {{"dog", {0, 0, 0}, resting({60, 60}, 40), 0.02f}};
  reasoner_.frames = {{0, 3}};
  const auto selection = select(30, {.choose_box = false});
  ASSERT_EQ(selection.pivots.size(), 1u);
  EXPECT_EQ(selection.pivots[0].frame, 20);
  EXPECT_TRUE(reasoner_.asked.empty());
}

TEST_F(PivotSelectorTest, SinglePivotIsTheMiddleOne) {
  for (int i = 0; i < 4; ++i) reasoner_.frames[i] = reasoner_.boxes[i] = 1;
  EXPECT_THAT(frames_of(select(200, {.single_pivot = true})), ElementsAre(100));
}

TEST_F(PivotSelectorTest, TheTruthMayChooseInPlaceOfTheReasoner) {
  // The dog at 280 grows until frame 30 and is gone then; the detector sees it as the second best.
  const TrueBox truth = [](std::string_view, int frame) -> std::optional<Box> {
    if (frame > 30) return std::nullopt;
    const float half = 15 + static_cast<float>(frame) / 6;
    return Box{280 - half, 60 - half, 280 + half, 60 + half};
  };
  const auto selection = select(100, {.frame_oracle = truth, .box_oracle = truth});
  EXPECT_THAT(frames_of(selection), ElementsAre(30));
  EXPECT_FLOAT_EQ(selection.pivots.at(0).detection.score, 0.6f);
  EXPECT_TRUE(reasoner_.asked.empty());
}

TEST_F(PivotSelectorTest, EmptySentenceIsAnError) {
  world_ = std::make_unique<BoxWorld>(30, things_);
  scene_ = std::make_unique<Scene>(*world_, world_->detector(), "world");
  EXPECT_THROW(select_pivots(*scene_, reasoner_, " \n", {}), Error);
}

}  // namespace
}  // namespace alref::reasoning
