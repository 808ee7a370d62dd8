// SPDX-License-Identifier: Apache-2.0
#include "api/av_engine.h"

#include "alref/error.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "api/killable_detector.h"
#include "pipeline/fake_listeners.h"
#include "pipeline/fake_segmenter.h"
#include "reasoning/box_world.h"

namespace alref {
namespace {

using pipeline::FakeEmbedder;
using pipeline::FakeSegmenter;
using pipeline::FakeSound;
using pipeline::FakeTagger;
using reasoning::BoxWorld;
using reasoning::resting;

constexpr std::array<uint8_t, 3> kRed = {200, 20, 20}, kBlue = {20, 20, 200};
constexpr float kDog = 0.25f, kCat = 0.5f;

/// Finds the dog's colour, or the cat's.
class WorldDetector : public KillableDetector {
  std::vector<Detection> look(const Image& image, std::string_view caption) override {
    const auto& colour = caption.find("dog") != std::string_view::npos ? kRed : kBlue;
    const auto box = bounds_of_colour(image, colour, 0, image.width);
    if (!box) return {};
    return {{.box = *box, .score = 0.8f, .phrase = std::string(caption), .phrase_offset = 0}};
  }
};

class CollectingSink : public AvMaskSink {
 public:
  void begin(std::span<const AvLabel> given) override { labels.assign(given.begin(), given.end()); }
  void write(const AvFrameMasks& frame) override {
    masks.emplace_back(frame.masks.begin(), frame.masks.end());
  }
  std::vector<AvLabel> labels;
  std::vector<std::vector<Mask>> masks;
};

class AvEngineTest : public testing::Test {
 protected:
  AvEngineTest() {
    options_.work_folder = folder_;
    options_.work_key = "world 1";
  }
  ~AvEngineTest() override { std::filesystem::remove_all(folder_); }

  AvResult segment(CollectingSink& sink, const Waveform* reference = nullptr) {
    AvEngine engine(detector_, segmenter_,
                    {.taggers = {&tagger_}, .matcher = &embedder_, .classes = &embedder_}, "fakes",
                    options_);
    FakeSound sound({kDog, kDog, kCat});
    return engine.segment(world_, reference ? nullptr : &sound, reference, sink);
  }

  BoxWorld world_{
      75, {{"dog", kRed, resting({20, 20}, 20)}, {"cat", kBlue, resting({60, 30}, 10)}}, 80, 60};
  WorldDetector detector_;
  FakeSegmenter segmenter_;
  FakeTagger tagger_;
  FakeEmbedder embedder_;
  AvOptions options_;
  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("alref_av_engine_" + std::to_string(getpid()));
};

TEST_F(AvEngineTest, AKilledRunContinues) {
  CollectingSink undisturbed;
  options_.work_folder.clear();
  const AvResult calm = segment(undisturbed);
  ASSERT_EQ(undisturbed.labels.size(), 2U);
  EXPECT_EQ(undisturbed.masks[10][0].area(), 400U);
  EXPECT_EQ(undisturbed.masks[60][1].area(), 100U);
  const int runs = std::exchange(detector_.runs, 0);

  options_.work_folder = folder_;
  for (const int allowed : {2, 1, 1}) {
    detector_.calls_left = allowed;
    CollectingSink sink;
    EXPECT_THROW(segment(sink), Error);
  }
  // A kill in the middle of a line.
  std::ofstream(folder_ / "detections.jsonl", std::ios::app) << R"({"frame": 58, "capt)";
  detector_.calls_left = 1'000'000;
  CollectingSink continued;
  segment(continued);
  EXPECT_EQ(detector_.runs, runs);  // nothing was looked at twice
  EXPECT_EQ(continued.masks, undisturbed.masks);

  // All is there now: only the outputs are written again.
  detector_.runs = tagger_.runs = 0;
  const auto encoded = segmenter_.encoder_runs();
  CollectingSink again;
  const AvResult result = segment(again);
  EXPECT_EQ(detector_.runs, 0);
  EXPECT_EQ(tagger_.runs, 0);
  EXPECT_EQ(segmenter_.encoder_runs(), encoded);
  EXPECT_EQ(again.labels, undisturbed.labels);
  EXPECT_EQ(again.masks, undisturbed.masks);
  EXPECT_EQ(result.mask_areas, calm.mask_areas);
  EXPECT_EQ(result.active, calm.active);
  EXPECT_EQ(result.moment_of, calm.moment_of);
  EXPECT_EQ(result.peaks, calm.peaks);
  ASSERT_EQ(result.windows.size(), calm.windows.size());
  const AvWindow &kept = result.windows[0], &first = calm.windows[0];
  EXPECT_EQ(kept.frames, first.frames);
  EXPECT_EQ(kept.reply, first.reply);
  EXPECT_EQ(kept.tags.at(1).probability, first.tags.at(1).probability);
  EXPECT_EQ(kept.objects.at(0).pivot_box, first.objects.at(0).pivot_box);
  EXPECT_EQ(kept.objects.at(1).boxes.at(0).score, first.objects.at(1).boxes.at(0).score);
}

TEST_F(AvEngineTest, WhatWasFoundForAnotherVideoSoundOrSettingIsNotUsed) {
  CollectingSink sink;
  segment(sink);
  const auto asked = [&](const Waveform* reference = nullptr) {
    tagger_.runs = 0;
    CollectingSink other;
    segment(other, reference);
    return tagger_.runs > 0;
  };
  EXPECT_FALSE(asked());
  const Waveform cat{.sample_rate = 16000, .channels = 1, .samples = std::vector(16000, kCat)};
  EXPECT_TRUE(asked(&cat));
  EXPECT_FALSE(asked(&cat));
  const Waveform dog{.sample_rate = 16000, .channels = 1, .samples = std::vector(16000, kDog)};
  EXPECT_TRUE(asked(&dog));
  options_.single = true;
  EXPECT_TRUE(asked());
  options_.segment_threshold = 0.75f;
  EXPECT_TRUE(asked());
  options_.work_key = "world 2";
  EXPECT_TRUE(asked());
}

TEST_F(AvEngineTest, DamagedWorkFilesAreAsGoodAsNone) {
  CollectingSink undisturbed;
  segment(undisturbed);
  const auto path = folder_ / "results.bin";
  const auto size = std::filesystem::file_size(path);
  for (const auto cut : {size - 1, size / 2, size / 10, uintmax_t{3}}) {
    std::filesystem::resize_file(path, cut);
    CollectingSink sink;
    segment(sink);
    EXPECT_EQ(sink.masks, undisturbed.masks) << cut;
  }
}

}  // namespace
}  // namespace alref
