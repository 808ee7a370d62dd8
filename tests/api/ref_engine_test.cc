// SPDX-License-Identifier: Apache-2.0
#include "api/ref_engine.h"

#include "alref/error.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "api/killable_detector.h"
#include "pipeline/fake_segmenter.h"
#include "reasoning/box_world.h"

namespace alref {
namespace {

using pipeline::FakeSegmenter;
using reasoning::BoxWorld;
using reasoning::resting;
using reasoning::Thing;
using testing::ElementsAre;

constexpr std::array<uint8_t, 3> kRed = {200, 20, 20};

/// The detector of a BoxWorld, which tells its frames apart by what it is called for.
class WorldDetector : public KillableDetector {
  std::vector<Detection> look(const Image& image, std::string_view caption) override {
    if (caption.find("dog") == std::string_view::npos) return {};
    // Finds the red pixels, left and right half each for itself.
    std::vector<Detection> found;
    for (const int half : {0, 1}) {
      if (const auto box =
              bounds_of_colour(image, kRed, half * image.width / 2, (half + 1) * image.width / 2))
        found.push_back({.box = *box, .score = 0.8f, .phrase = "dog", .phrase_offset = 0});
    }
    return found;
  }
};

class CollectingSink : public MaskSink {
 public:
  void write(const FrameMasks& frame) override {
    frames.push_back(frame.frame);
    masks.emplace_back(frame.masks.begin(), frame.masks.end());
    logits.emplace_back(frame.logits.begin(), frame.logits.end());
  }
  std::vector<int> frames;
  std::vector<std::vector<Mask>> masks;
  std::vector<std::vector<FloatMap>> logits;
};

class RefEngineTest : public testing::Test {
 protected:
  ~RefEngineTest() override { std::filesystem::remove_all(folder_); }

  std::vector<RefResult> segment(const std::vector<std::string>& texts, CollectingSink& sink) {
    RefEngine engine(detector_, segmenter_, "fakes", options_);
    auto results = engine.segment(world_, texts, sink);
    costs_ = engine.costs();
    return results;
  }

  BoxWorld world_{
      60, {{"dog", kRed, resting({20, 20}, 20)}, {"dog", kRed, resting({60, 30}, 10)}}, 80, 60};
  WorldDetector detector_;
  FakeSegmenter segmenter_;
  RefOptions options_;
  RefCosts costs_;
  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("alref_engine_" + std::to_string(getpid()));
};

TEST_F(RefEngineTest, MasksComeInOrderOneASentence) {
  CollectingSink sink;
  const auto results = segment({"the dog on the left", "the small dog", "the cat"}, sink);
  ASSERT_EQ(sink.frames.size(), 60u);
  EXPECT_TRUE(std::ranges::is_sorted(sink.frames));
  EXPECT_EQ(sink.masks[33][0].area(), 400u);
  EXPECT_EQ(sink.masks[33][1].area(), 100u);
  EXPECT_EQ(sink.masks[33][2].area(), 0u);
  EXPECT_EQ(results[0].mask_areas[33], 400u);
  EXPECT_TRUE(results[2].pivots.empty());
  EXPECT_EQ(results[2].start, -1);
  EXPECT_EQ(results[0].text, "the dog on the left");
  EXPECT_THAT(results[0].clips.at(0).frame_reply, testing::HasSubstr("place=left"));
  EXPECT_EQ(costs_.encoder_runs, 60);
  EXPECT_GT(costs_.detector_runs, 0);
}

TEST_F(RefEngineTest, LogitsAndStripsOnRequest) {
  options_.keep_logits = options_.keep_strips = true;
  CollectingSink sink;
  const auto results = segment({"the dog on the left", "the cat"}, sink);
  EXPECT_FLOAT_EQ(sink.logits[5][0].row(20)[20], 2.0f);
  EXPECT_FLOAT_EQ(sink.logits[5][1].row(20)[20], -1024.0f);
  ASSERT_GT(results[0].clips.at(0).strip_jpeg.size(), 100u);
  EXPECT_EQ(results[0].clips.at(0).strip_jpeg[0], 0xff);
}

TEST_F(RefEngineTest, AKilledRunContinues) {
  options_.work_folder = folder_;
  options_.work_key = "world 1";
  CollectingSink undisturbed;
  options_.work_folder.clear();
  segment({"the dog on the left"}, undisturbed);
  const int runs = std::exchange(detector_.runs, 0);

  options_.work_folder = folder_;
  for (const int allowed : {3, 5, 1}) {
    detector_.calls_left = allowed;
    CollectingSink sink;
    EXPECT_THROW(segment({"the dog on the left"}, sink), Error);
  }
  // A kill in the middle of a line.
  std::ofstream(folder_ / "detections.jsonl", std::ios::app) << R"({"frame": 58, "capt)";
  detector_.calls_left = 1'000'000;
  CollectingSink sink;
  segment({"the dog on the left"}, sink);
  EXPECT_EQ(detector_.runs, runs);  // nothing was looked at twice
  EXPECT_EQ(sink.masks, undisturbed.masks);

  // All is there now: only the outputs are written again.
  detector_.runs = 0;
  const auto encoded = segmenter_.encoder_runs();
  CollectingSink again;
  const auto results = segment({"the dog on the left"}, again);
  EXPECT_EQ(detector_.runs, 0);
  EXPECT_EQ(segmenter_.encoder_runs(), encoded);
  EXPECT_EQ(again.masks, undisturbed.masks);
  EXPECT_EQ(results.at(0).pivots.size(), 2u);
}

TEST_F(RefEngineTest, WhatWasFoundForAnotherVideoOrSentenceIsNotUsed) {
  options_.work_folder = folder_;
  options_.work_key = "world 1";
  CollectingSink sink;
  segment({"the dog on the left"}, sink);
  detector_.runs = 0;
  segment({"the dog on the right"}, sink);  // the same detections, other masks
  EXPECT_EQ(detector_.runs, 0);
  EXPECT_EQ(sink.masks.back()[0].area(), 100u);
  options_.work_key = "world 2";
  segment({"the dog on the right"}, sink);
  EXPECT_GT(detector_.runs, 0);
}

TEST_F(RefEngineTest, DamagedWorkFilesAreAsGoodAsNone) {
  options_.work_folder = folder_;
  CollectingSink undisturbed;
  segment({"the dog on the left"}, undisturbed);
  const auto path = folder_ / "results.bin";
  const auto size = std::filesystem::file_size(path);
  for (const auto cut : {size - 1, size / 2, size / 10, uintmax_t{3}}) {
    std::filesystem::resize_file(path, cut);
    CollectingSink sink;
    segment({"the dog on the left"}, sink);
    EXPECT_EQ(sink.masks, undisturbed.masks) << cut;
  }
}

TEST_F(RefEngineTest, SettingsThatDoNotGoTogetherAreErrors) {
  options_.reasoner = ReasonerKind::kChat;
  EXPECT_THROW(RefEngine(detector_, segmenter_, "fakes", options_), Error);
  options_.reasoner = ReasonerKind::kReplay;
  EXPECT_THROW(RefEngine(detector_, segmenter_, "fakes", options_), Error);
  options_.reasoner = ReasonerKind::kRules;
  RefEngine engine(detector_, segmenter_, "fakes", options_);
  CollectingSink sink;
  EXPECT_THROW(engine.segment(world_, {}, sink), Error);
  const std::vector<std::string> blank = {"  "};
  EXPECT_THROW(engine.segment(world_, blank, sink), Error);
}

TEST_F(RefEngineTest, NumbersOutOfRangeAreErrors) {
  const auto refused = [&](auto member, auto value) {
    RefOptions options;
    options.*member = value;
    EXPECT_THROW(RefEngine(detector_, segmenter_, "fakes", options), Error) << value;
  };
  for (const float threshold : {0.0f, -0.1f, 1.1f, std::nanf("")}) {
    refused(&RefOptions::box_threshold, threshold);
    refused(&RefOptions::fallback_box_threshold, threshold);
  }
  refused(&RefOptions::step, 0);
  refused(&RefOptions::frames_per_clip, 0);
  refused(&RefOptions::detect_every, -1);
}

TEST_F(RefEngineTest, SentencesOfOneCaptionShareEncodingsAndDetections) {
  CollectingSink one, three;
  segment({"the dog on the left"}, one);
  const int64_t detections = costs_.detector_runs;
  segmenter_ = FakeSegmenter();
  segment({"the dog on the left", "the dog on the right", "the small dog"}, three);
  EXPECT_EQ(costs_.detector_runs, detections);
  EXPECT_EQ(costs_.encoder_runs, 60);
  EXPECT_EQ(detections, detector_.runs / 2);
}

TEST_F(RefEngineTest, CancellingIsPossibleBetweenTwoDetections) {
  options_.cancelled = [&] { return detector_.runs == 3; };
  CollectingSink sink;
  EXPECT_THROW(segment({"the dog"}, sink), Error);
  EXPECT_EQ(detector_.runs, 3);
}

TEST_F(RefEngineTest, ProgressNamesTheStageAndHowFarItIs) {
  std::map<std::string, std::pair<int, int>> last;
  options_.on_progress = [&](std::string_view stage, int done, int total) {
    last[std::string(stage)] = {done, total};
  };
  CollectingSink sink;
  segment({"the dog on the left", "the cat"}, sink);
  EXPECT_EQ(last["detector"].first, detector_.runs - 1);
  EXPECT_EQ(last["pivots"], std::pair(1, 2));
  EXPECT_EQ(last["outputs"], std::pair(59, 60));
  EXPECT_TRUE(last.contains("forward") && last.contains("reverse") && last.contains("prompts"));
}

TEST_F(RefEngineTest, CancellingEndsTheRun) {
  options_.cancelled = [] { return true; };
  CollectingSink sink;
  EXPECT_THROW(segment({"the dog"}, sink), Error);
  EXPECT_TRUE(sink.frames.empty());
}

}  // namespace
}  // namespace alref
