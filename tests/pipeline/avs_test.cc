// SPDX-License-Identifier: Apache-2.0
#include "pipeline/avs.h"

#include "alref/error.h"

#include <limits>
#include <map>

#include <gmock/gmock.h>

#include "pipeline/fake_listeners.h"
#include "pipeline/fake_segmenter.h"
#include "reasoning/box_world.h"
#include "reasoning/sound/rules_sound_reasoner.h"

namespace alref::pipeline {
namespace {

using reasoning::BoxWorld;
using reasoning::Choice;
using reasoning::HeardClip;
using reasoning::resting;
using reasoning::SoundingChoice;
using reasoning::SoundingObject;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::array<uint8_t, 3> kRed = {200, 20, 20}, kBlue = {20, 20, 200};
constexpr float kNobody = 0.1f, kDog = 0.25f, kCat = 0.5f, kBoth = 0.75f;

/// Names fixed objects and the n-th box; notes what it was asked.
class FixedReasoner : public reasoning::SoundReasoner {
 public:
  explicit FixedReasoner(std::vector<SoundingObject> objects, int box = 1)
      : objects_(std::move(objects)), box_(box) {}
  std::string_view name() const override { return "fixed"; }
  SoundingChoice name_objects(reasoning::Scene&, const HeardClip& heard) override {
    clips.push_back(heard.clip);
    SoundingChoice choice;
    choice.objects = objects_;
    return choice;
  }
  std::vector<Choice> choose_boxes(
      reasoning::Scene&, const HeardClip&,
      std::span<const reasoning::SoundingBoxQuestion> questions) override {
    std::vector<Choice> choices(questions.size());
    for (size_t i = 0; i < questions.size(); ++i) {
      choices[i].number = box_;
      asked.push_back(questions[i].object + " " + std::to_string(questions[i].boxes.size()));
    }
    return choices;
  }
  std::vector<reasoning::Clip> clips;
  std::vector<std::string> asked;

 private:
  std::vector<SoundingObject> objects_;
  int box_;
};

class AvsTest : public testing::Test {
 protected:
  /// 25 frames a second; a dog on the left throughout, two cats on the right.
  AvsRun run(int frames, std::vector<float> seconds, reasoning::SoundReasoner& reasoner,
             const AvsOptions& options = {}, const Waveform* reference = nullptr) {
    world_ = std::make_unique<BoxWorld>(
        frames,
        std::vector<reasoning::Thing>{{"dog", kRed, resting({20, 20}, 20)},
                                      {"cat", kBlue, resting({60, 20}, 10), 0.6f},
                                      {"cat", kBlue, resting({60, 45}, 16), 0.7f}},
        80, 60);
    reasoning::Scene scene(*world_, world_->detector(), "world");
    FakeSound sound(std::move(seconds));
    masks_.clear();
    AvsEvents events;
    events.on_window = [&](const WindowTrace& w) { windows_seen_.push_back(w.index); };
    events.on_masks = [&](const WindowTrace& w, size_t label, int frame, const FloatMap& logits,
                          float) {
      masks_[w.labels[label].label][frame] =
          static_cast<int>(std::ranges::count_if(logits.values, [](float v) { return v > 0; }));
    };
    Lbru lbru({.taggers = {&tagger_}, .matcher = &embedder_, .classes = &embedder_});
    AvsRun result = run_avs(scene, reference ? nullptr : &sound, reference, reasoner, lbru,
                            segmenter_, options, events);
    reads_ = sound.reads;
    return result;
  }

  std::unique_ptr<BoxWorld> world_;
  FakeTagger tagger_;
  FakeEmbedder embedder_;
  FakeSegmenter segmenter_;
  std::map<std::string, std::map<int, int>> masks_;  ///< label -> frame -> pixels above 0
  std::vector<int> windows_seen_;
  std::vector<std::pair<double, double>> reads_;
};

TEST_F(AvsTest, OneLabelSoundsEverySecondFromItsPivotFrameBothWays) {
  FixedReasoner reasoner({{"dog", 2}});
  const AvsRun result = run(75, {kDog, kNobody, kDog}, reasoner);
  ASSERT_EQ(result.windows.size(), 1U);
  const WindowTrace& w = result.windows[0];
  EXPECT_THAT(w.clip.frames, ElementsAre(12, 37, 62));  // in the middle of each second
  EXPECT_EQ(w.labels[0].frame, 37);
  EXPECT_THAT(w.active, ElementsAre(ElementsAre(0U), ElementsAre(0U), ElementsAre(0U)));
  EXPECT_EQ(embedder_.sounds, 0);
  EXPECT_EQ(masks_["dog"].size(), 75U);
  EXPECT_EQ(masks_["dog"][0], 400);
  EXPECT_THAT(segmenter_.calls, ElementsAre("box 37", "mask 1 37", "forward 37", "reverse 37"));
}

TEST_F(AvsTest, SeveralLabelsSoundWhereTheirCombinationIsLikest) {
  FixedReasoner reasoner({{"dog", 1}, {"cat", 1}}, /*box=*/2);
  const AvsRun result =
      run(125, {kDog, kDog, kCat, kBoth, kDog}, reasoner, {.segment_threshold = 0.9f});
  const WindowTrace& w = result.windows[0];
  EXPECT_THAT(w.segments, ElementsAre(Pair(0, 2), Pair(2, 3), Pair(3, 4), Pair(4, 5)));
  EXPECT_THAT(w.active, ElementsAre(ElementsAre(0U), ElementsAre(0U), ElementsAre(1U),
                                    ElementsAre(0U, 1U), ElementsAre(0U)));
  // Only the cats left a choice, and two boxes stay in the detector's order.
  EXPECT_THAT(reasoner.asked, ElementsAre("cat 2"));
  EXPECT_EQ(masks_["cat"][0], 256);
}

TEST_F(AvsTest, TheTaggersOwnBoundSaysWhereTheSoundChanges) {
  FixedReasoner reasoner({{"dog", 1}, {"cat", 1}});
  const std::vector<float> sound = {kDog, kBoth, kBoth};  // a cosine of 0.75
  EXPECT_THAT(run(75, sound, reasoner).windows[0].segments, ElementsAre(Pair(0, 3)));
  tagger_.calibrated = 0.77f;
  EXPECT_THAT(run(75, sound, reasoner).windows[0].segments, ElementsAre(Pair(0, 1), Pair(1, 3)));
  EXPECT_THAT(run(75, sound, reasoner, {.segment_threshold = 0.5f}).windows[0].segments,
              ElementsAre(Pair(0, 3)));
}

TEST_F(AvsTest, AnUnusableBoxNumberMeansTheFirst) {
  FixedReasoner reasoner({{"cat", 1}}, /*box=*/7);
  EXPECT_EQ(run(25, {kCat}, reasoner).windows[0].labels[0].box, 0);
}

TEST_F(AvsTest, AFrameNumberOutsideTheClipMeansTheFirst) {
  FixedReasoner reasoner({{"dog", 9}});
  EXPECT_EQ(run(75, {kDog, kDog, kDog}, reasoner).windows[0].labels[0].frame, 12);
}

TEST_F(AvsTest, SingleKeepsTheFirstObject) {
  FixedReasoner reasoner({{"cat", 1}, {"dog", 1}});
  const AvsRun result = run(25, {kBoth}, reasoner, {.single = true});
  ASSERT_EQ(result.windows[0].labels.size(), 1U);
  EXPECT_EQ(result.windows[0].labels[0].label, "cat");
}

TEST_F(AvsTest, WithoutQuestionTwoTheBestBoxIsTaken) {
  FixedReasoner reasoner({{"cat", 1}});
  const AvsRun result = run(25, {kCat}, reasoner, {.choose_box = false});
  EXPECT_THAT(reasoner.asked, IsEmpty());
  EXPECT_EQ(result.windows[0].labels[0].box, 1);
}

TEST_F(AvsTest, WithoutSegmentsEveryLabelSoundsAllTheTime) {
  FixedReasoner reasoner({{"dog", 1}, {"cat", 1}});
  const AvsRun result = run(50, {kDog, kCat}, reasoner, {.sound_segments = false});
  EXPECT_THAT(result.windows[0].active, ElementsAre(ElementsAre(0U, 1U), ElementsAre(0U, 1U)));
  EXPECT_EQ(embedder_.sounds, 0);
}

TEST_F(AvsTest, KnownSegmentsReplaceOurs) {
  FixedReasoner reasoner({{"dog", 1}, {"cat", 1}});
  AvsOptions options;
  options.segments = {{0, 1}, {1, 3}};
  const AvsRun result = run(125, {kDog, kCat, kCat, kDog, kDog}, reasoner, options);
  EXPECT_THAT(result.windows[0].segments, ElementsAre(Pair(0, 1), Pair(1, 3)));
  EXPECT_THAT(result.windows[0].active,
              ElementsAre(ElementsAre(0U), ElementsAre(1U), ElementsAre(1U), ElementsAre(1U),
                          ElementsAre(1U)));
}

TEST_F(AvsTest, WhatIsNotToBeSeenHasNoMasks) {
  FixedReasoner reasoner({{"horse", 1}, {"dog", 1}});
  const AvsRun result = run(25, {kDog}, reasoner);
  EXPECT_EQ(result.windows[0].labels[0].box, std::nullopt);
  EXPECT_FALSE(masks_.contains("horse"));
  EXPECT_EQ(masks_["dog"].size(), 25U);
}

TEST_F(AvsTest, NothingIsAskedAboutSilence) {
  FixedReasoner reasoner({{"dog", 1}});
  AvsRun result = run(50, {0, 0.00002f}, reasoner);
  EXPECT_TRUE(result.windows[0].silent);
  EXPECT_THAT(result.windows[0].active, ElementsAre(IsEmpty(), IsEmpty()));
  EXPECT_THAT(reasoner.clips, IsEmpty());
  EXPECT_EQ(tagger_.runs, 0);
  result = run(50, {}, reasoner);  // the sound ends before the video begins
  EXPECT_TRUE(result.windows[0].silent);
  result = run(50, {0, 0}, reasoner, {.skip_silence = false});
  EXPECT_FALSE(result.windows[0].silent);
}

TEST_F(AvsTest, SamplesThatAreNoNumbersAreSilence) {
  FixedReasoner reasoner({{"dog", 1}});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(run(25, {nan}, reasoner).windows[0].silent);
}

TEST_F(AvsTest, LongVideosAreAskedAboutWindowByWindow) {
  FixedReasoner reasoner({{"dog", 1}});
  const AvsRun result =
      run(25 * 25, std::vector<float>(25, kDog), reasoner, {.window_seconds = 10});
  // 25 s are 2 or 3 windows of 10: equal ones, so that none is a mere rest.
  ASSERT_EQ(result.windows.size(), 3U);
  EXPECT_THAT(windows_seen_, ElementsAre(0, 1, 2));
  EXPECT_THAT(reads_, ElementsAre(Pair(0, 8), Pair(8, 16), Pair(16, 25)));
  EXPECT_EQ(result.windows[1].first_frame, 200);
  EXPECT_EQ(result.windows[1].last_frame, 399);
  EXPECT_EQ(masks_["dog"].size(), 625U);
  EXPECT_THAT(segmenter_.calls, ElementsAre("box 12", "mask 1 12", "forward 12", "reverse 12",
                                            "box 212", "mask 1 212", "forward 212", "reverse 212",
                                            "box 412", "mask 1 412", "forward 412", "reverse 412"));
}

TEST_F(AvsTest, AnotherRecordingsSourcesCountAllTheTime) {
  FixedReasoner reasoner({{"dog", 1}, {"cat", 1}});
  FakeSound other({kCat, kCat, kNobody});
  const Waveform reference = other.whole();
  const AvsRun result = run(75, {}, reasoner, {}, &reference);
  EXPECT_THAT(result.windows[0].active,
              ElementsAre(ElementsAre(1U), ElementsAre(1U), ElementsAre(1U)));
  EXPECT_EQ(embedder_.sounds, 1);
}

TEST_F(AvsTest, RulesHearEachThingInItsTime) {
  reasoning::RulesSoundReasoner reasoner;
  const std::vector<float> sound = {kDog, kNobody, kNobody, kNobody, kCat, kBoth, kDog};
  const AvsRun result = run(175, sound, reasoner, {.segment_threshold = 0.9f});
  const WindowTrace& w = result.windows[0];
  ASSERT_EQ(w.labels.size(), 2U);
  EXPECT_EQ(w.labels[0].label, "dog");
  EXPECT_EQ(w.labels[1].label, "cat");
  EXPECT_EQ(w.labels[1].box, 1);  // the larger cat, which the detector is surer of
  EXPECT_THAT(w.active, ElementsAre(ElementsAre(0U), IsEmpty(), IsEmpty(), IsEmpty(),
                                    ElementsAre(1U), ElementsAre(0U, 1U), ElementsAre(0U)));
  EXPECT_EQ(embedder_.sounds, 0);
  // Sounds that are hardly told apart are one.
  const auto coarse = run(175, sound, reasoner, {.segment_threshold = 0.5f}).windows[0].active;
  EXPECT_THAT(coarse[6], ElementsAre(0U, 1U));
}

/// Is sure of a box far from the chosen one on the second frame, of the same one on the third.
class CorrectingReasoner : public FixedReasoner {
 public:
  using FixedReasoner::FixedReasoner;
  std::vector<reasoning::FramedBox> further_boxes(reasoning::Scene&, const HeardClip&,
                                                  const std::string&,
                                                  const reasoning::FramedBox& chosen) override {
    reasoning::FramedBox away{2, chosen.detection}, same{3, chosen.detection};
    away.detection.box = {50, 5, 70, 25};
    return {away, same};
  }
};

TEST_F(AvsTest, MasksThatLeaveASureBoxAreCarriedOnceMore) {
  CorrectingReasoner reasoner({{"dog", 1}});
  const AvsRun result = run(75, {kDog, kDog, kDog}, reasoner);
  EXPECT_THAT(result.windows[0].labels[0].further_frames, ElementsAre(37));
  EXPECT_THAT(segmenter_.calls,
              ElementsAre("box 12", "mask 1 12", "forward 12", "reverse 12", "box 12", "mask 1 12",
                          "box 37", "mask 1 37", "forward 12", "reverse 12"));
}

TEST_F(AvsTest, LabelsGetClasses) {
  FixedReasoner reasoner({{"dog", 1}, {"cat meow thing", 1}});
  AvsOptions options;
  options.classes = {"cat meow class", "dog"};
  const AvsRun result = run(25, {kDog}, reasoner, options);
  EXPECT_EQ(result.windows[0].labels[0].class_index, 1U);
  EXPECT_EQ(result.windows[0].labels[1].class_index, 0U);
}

TEST_F(AvsTest, KnownLabelsTakeTheTagsPlace) {
  reasoning::RulesSoundReasoner reasoner;
  AvsOptions options;
  options.known_labels = {"cat"};
  const AvsRun result = run(50, {kDog, kDog}, reasoner, options);
  ASSERT_EQ(result.windows[0].labels.size(), 1U);
  EXPECT_EQ(result.windows[0].labels[0].label, "cat");
}

TEST_F(AvsTest, ACancelledRunEnds) {
  FixedReasoner reasoner({{"dog", 1}});
  world_ = std::make_unique<BoxWorld>(
      25, std::vector<reasoning::Thing>{{"dog", kRed, resting({20, 20}, 20)}}, 80, 60);
  reasoning::Scene scene(*world_, world_->detector(), "world");
  FakeSound sound({kDog});
  AvsEvents events;
  int masks = 0;
  events.on_window = [](const WindowTrace&) {};
  events.on_masks = [&](const WindowTrace&, size_t, int, const FloatMap&, float) { ++masks; };
  events.cancelled = [&] { return masks == 3; };
  Lbru lbru({.taggers = {&tagger_}, .matcher = &embedder_, .classes = &embedder_});
  EXPECT_THROW(run_avs(scene, &sound, nullptr, reasoner, lbru, segmenter_, {}, events), Error);
  EXPECT_EQ(masks, 3);
}

TEST(MomentsTest, OneFrameAMomentKeepsEachFrameInItsMoment) {
  class OneASecond : public BoxWorld {
   public:
    OneASecond() : BoxWorld(5, {}) {}
    double frame_rate() const override { return 1; }
  } frames;
  const MomentMap map = map_moments(frames, 1);
  EXPECT_THAT(map.moment_of, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(map.middle_frame, ElementsAre(0, 1, 2, 3, 4));
  const MomentMap fast = map_moments(frames, 2);  // moments without a frame have the one before
  EXPECT_THAT(fast.moment_of, ElementsAre(0, 2, 4, 6, 8));
  EXPECT_THAT(fast.middle_frame, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 4));
}

TEST(MomentsTest, WindowsAreEqual) {
  EXPECT_THAT(make_windows(5, 10), ElementsAre(Pair(0, 5)));
  EXPECT_THAT(make_windows(14, 10), ElementsAre(Pair(0, 14)));
  EXPECT_THAT(make_windows(15, 10), ElementsAre(Pair(0, 7), Pair(7, 15)));
  EXPECT_THAT(make_windows(1, 0.5), ElementsAre(Pair(0, 1)));
}

}  // namespace
}  // namespace alref::pipeline
