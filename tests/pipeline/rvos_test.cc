// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rvos.h"

#include "alref/error.h"

#include <gmock/gmock.h>

#include "pipeline/fake_segmenter.h"
#include "reasoning/box_world.h"
#include "reasoning/first_reasoner.h"
#include "reasoning/rules/rules_reasoner.h"

namespace alref::pipeline {
namespace {

using reasoning::BoxWorld;
using reasoning::Choice;
using reasoning::Clip;
using reasoning::resting;
using testing::ElementsAre;

constexpr std::array<uint8_t, 3> kRed = {200, 20, 20};

/// Chooses the n-th frame of each clip and the first box.
class FixedReasoner : public reasoning::Reasoner {
 public:
  explicit FixedReasoner(std::map<int, int> frames) : frames_(std::move(frames)) {}
  std::string_view name() const override { return "fixed"; }
  std::vector<Choice> choose_frames(reasoning::Scene&, std::string_view,
                                    std::span<const Clip> clips) override {
    std::vector<Choice> choices(clips.size());
    for (size_t i = 0; i < clips.size(); ++i) {
      if (frames_.contains(clips[i].index)) choices[i].number = frames_[clips[i].index];
    }
    return choices;
  }
  std::vector<Choice> choose_boxes(reasoning::Scene&, std::string_view,
                                   std::span<const reasoning::BoxQuestion> questions) override {
    std::vector<Choice> choices(questions.size());
    for (Choice& c : choices) c.number = 1;
    return choices;
  }

 private:
  std::map<int, int> frames_;
};

class RvosTest : public testing::Test {
 protected:
  RvosRun run(int frames, reasoning::Reasoner& reasoner, const std::vector<std::string>& texts,
              const RvosOptions& options = {}) {
    world_ = std::make_unique<BoxWorld>(
        frames,
        std::vector<reasoning::Thing>{
            {"dog", kRed, resting({20, 20}, 20)},
            {"dog", kRed, reasoning::during(late_, 999, resting({60, 20}, 10)), 0.7f}},
        80, 60);
    reasoning::Scene scene(*world_, world_->detector(), "world");
    masks_.assign(texts.size(), {});
    RvosEvents events;
    events.on_masks = [&](size_t sentence, int frame, const FloatMap& logits, float) {
      order_.emplace_back(sentence, frame);
      masks_[sentence][frame] =
          static_cast<int>(std::ranges::count_if(logits.values, [](float v) { return v > 0; }));
    };
    events.cancelled = [&] { return order_.size() >= stop_after_; };
    return run_rvos(scene, reasoner, segmenter_, texts, options, events);
  }

  FakeSegmenter segmenter_;
  std::unique_ptr<BoxWorld> world_;
  std::vector<std::map<int, int>> masks_;  ///< sentence -> frame -> pixels above 0
  std::vector<std::pair<size_t, int>> order_;
  size_t stop_after_ = 1'000'000;
  int late_ = 0;  ///< the first frame on which the second dog is seen
};

TEST_F(RvosTest, MasksGoForwardFromTheMiddlePivotThenInReverse) {
  FixedReasoner reasoner({{0, 2}, {1, 1}, {2, 1}, {3, 4}});
  const RvosRun result = run(200, reasoner, {"the dog"});
  const auto& calls = segmenter_.calls;
  EXPECT_THAT(calls,
              ElementsAre("box 10", "mask 1 10", "box 50", "mask 1 50", "box 100", "mask 1 100",
                          "box 180", "mask 1 180", "forward 100", "reverse 100"));
  EXPECT_EQ(result.traces[0].start, 100);
  EXPECT_EQ(result.traces[0].prompts[0].mask_area, 400u);
  ASSERT_EQ(order_.size(), 201u);
  EXPECT_EQ(order_.front().second, 100);
  EXPECT_EQ(order_[99].second, 199);
  EXPECT_EQ(order_[100].second, 100);
  EXPECT_EQ(order_.back().second, 0);
  EXPECT_EQ(masks_[0].size(), 200u);
  EXPECT_EQ(masks_[0][7], 400);  // logits of exactly 0 are off the object
}

TEST_F(RvosTest, WithoutReverseTheStartIsTheFirstFrameWithAMask) {
  FixedReasoner reasoner(std::map<int, int>{{0, 3}});
  run(60, reasoner, {"the dog"}, {.reverse = false});
  EXPECT_EQ(masks_[0].begin()->first, 20);
  EXPECT_EQ(masks_[0].size(), 40u);
}

TEST_F(RvosTest, SentencesShareEncoderRunsAndDetections) {
  reasoning::RulesReasoner rules({.detect_every = 10});
  run(60, rules, {"the dog on the left", "the dog on the right", "the smaller dog"});
  EXPECT_EQ(segmenter_.encoder_runs(), 60);
  EXPECT_EQ(world_->detections, 6);
  EXPECT_EQ(masks_[0][30], 400);
  EXPECT_EQ(masks_[1][30], 100);
  EXPECT_EQ(masks_[2][30], 100);
}

TEST_F(RvosTest, AClipThatDoesNotFitTheFeatureCacheIsEncodedOnceADirection) {
  segmenter_ = FakeSegmenter(8);
  FixedReasoner reasoner({{0, 5}, {1, 1}});
  run(100, reasoner, {"the dog", "the dog too", "the dog again"});
  // Two pivots, then 50..99 and 50..0 once each, whatever the number of sentences.
  EXPECT_LE(segmenter_.encoder_runs(), 2 + 50 + 51);
}

TEST_F(RvosTest, APivotFrameOfSeveralSentencesIsEncodedOnceEvenWithoutACache) {
  segmenter_ = FakeSegmenter(1);
  FixedReasoner reasoner({{0, 2}, {1, 1}});
  const RvosRun result = run(100, reasoner, {"the dog", "the dog too", "the dog again"});
  EXPECT_THAT(std::vector<std::string>(segmenter_.calls.begin(), segmenter_.calls.begin() + 12),
              ElementsAre("box 10", "mask 1 10", "box 10", "mask 1 10", "box 10", "mask 1 10",
                          "box 50", "mask 1 50", "box 50", "mask 1 50", "box 50", "mask 1 50"));
  for (const auto& trace : result.traces) EXPECT_EQ(trace.prompts.size(), 2u);
  EXPECT_LE(segmenter_.encoder_runs(), 2 + 50 + 51);
}

TEST_F(RvosTest, SentencesWithDifferentStartsStayTogether) {
  // One dog is seen late only, so that its sentence starts later than the other's.
  late_ = 60;
  reasoning::RulesReasoner rules({.detect_every = 10});
  const RvosRun result = run(120, rules, {"the dog on the left", "the dog on the right"});
  const int start_0 = result.traces[0].start, start_1 = result.traces[1].start;
  ASSERT_LT(start_0, start_1);
  std::map<size_t, int> last;
  for (int i = 0; i < (120 - start_0) + (120 - start_1); ++i) {
    const auto [sentence, frame] = order_[static_cast<size_t>(i)];
    last[sentence] = frame;
    // Nobody runs ahead of one that has still to come, or of one that has begun.
    EXPECT_LE(frame, sentence == 1 ? last[0] : last.contains(1) ? last[1] + 1 : start_1);
  }
}

TEST_F(RvosTest, KeepsOnlyFeaturesThatTheRunNeedsAgain) {
  late_ = 60;
  reasoning::RulesReasoner rules({.detect_every = 10});
  const std::vector<std::string> texts = {"the dog on the left", "the dog on the right"};
  const RvosRun result = run(120, rules, texts, {.keep_features = false});
  EXPECT_LT(result.traces[0].start, result.traces[1].start);
  EXPECT_EQ(segmenter_.encoder_runs(), 120);
  // Later runs find what is kept otherwise: pivots, and the frames between the two starts.
  run(120, rules, texts);
  EXPECT_GT(segmenter_.encoder_runs(), 180);
  const int64_t before = segmenter_.encoder_runs();
  run(120, rules, texts);
  EXPECT_EQ(segmenter_.encoder_runs(), before);
}

TEST_F(RvosTest, NothingMeantMeansNoMasks) {
  FixedReasoner reasoner({});
  RvosOptions options;
  options.pivots.on_no_pivot = reasoning::OnNoPivot::kEmpty;
  const RvosRun result = run(60, reasoner, {"the dog"}, options);
  EXPECT_TRUE(masks_[0].empty());
  EXPECT_EQ(result.traces[0].start, -1);
  EXPECT_EQ(segmenter_.encoder_runs(), 0);
}

TEST_F(RvosTest, BaselineIsTheBestBoxOfFrameZero) {
  reasoning::FirstReasoner first;
  const RvosRun result = run(60, first, {"the dog on the right"});
  EXPECT_TRUE(result.traces[0].selection.fallback);
  EXPECT_THAT(segmenter_.calls, ElementsAre("box 0", "mask 1 0", "forward 0", "reverse 0"));
  EXPECT_EQ(masks_[0][59], 400);
}

TEST_F(RvosTest, CancellingEndsTheRunBetweenSteps) {
  FixedReasoner reasoner(std::map<int, int>{{0, 1}});
  stop_after_ = 5;
  try {
    run(60, reasoner, {"the dog"});
    FAIL() << "was not interrupted";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInterrupted);
  }
  EXPECT_EQ(order_.size(), 5u);
}

}  // namespace
}  // namespace alref::pipeline
