// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/tracker.h"

#include "alref/error.h"
#include "alref/sam2.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "perception/sam2/segmenter.h"
#include "perception/sam2/tiny_sam2.h"
#include "testing/temporary_folder.h"

namespace alref::sam2::testing {
namespace {

using nlohmann::json;

class TrackerTest : public ::testing::Test {
 protected:
  std::unique_ptr<VideoSegmenter> open(const std::string& version = "2.1",
                                       Sam2VideoOptions options = {}) {
    const std::string path = (folder_.path() / (version + ".gguf")).string();
    write_tiny_sam2(path, version);
    options.device = {.name = "cpu", .threads = 1, .precision = Precision::kF32};
    return open_sam2(path, options);
  }

  alref::testing::TemporaryFolder folder_;
};

using Masks = std::map<int, std::vector<float>>;  // by frame

Masks pass(VideoTracker& tracker, int start, bool reverse) {
  Masks masks;
  tracker.propagate(start, reverse, [&](int frame, std::span<const ObjectLogits> objects) {
    masks[frame] = objects[0].low_resolution.values;
    return true;
  });
  return masks;
}

void take_step(VideoTracker& tracker, const json& step) {
  if (step.contains("remove")) {
    tracker.remove_object(step["remove"]);
    return;
  }
  const int object = step["object"], frame = step["frame"];
  if (step.contains("box")) {
    const json& box = step["box"];
    tracker.add_box(object, frame, {box[0], box[1], box[2], box[3]});
  } else if (step.contains("mask")) {
    const json& box = step["mask"];
    tracker.add_mask(object, frame, ellipse(box[0], box[1], box[2], box[3]));
  } else {
    std::vector<Point> points;
    for (const json& point : step["points"]) points.push_back({point[0], point[1]});
    tracker.add_points(object, frame, points, step["labels"].get<std::vector<int>>());
  }
}

void expect_pass(VideoTracker& tracker, const json& step) {
  size_t next = 0;
  tracker.propagate(
      step["pass"], step["reverse"], [&](int frame, std::span<const ObjectLogits> objects) {
        SCOPED_TRACE("pass from " + step["pass"].dump() + " at frame " + std::to_string(frame));
        EXPECT_LT(next, step["frames"].size());
        if (next >= step["frames"].size()) return false;
        const json& golden = step["frames"][next++];
        EXPECT_EQ(frame, golden["frame"].get<int>());
        EXPECT_EQ(objects.size(), golden["objects"].size());
        for (size_t i = 0; i < objects.size(); ++i) {
          const json& expected = golden["objects"][i];
          EXPECT_EQ(objects[i].object, expected["object"].get<int>());
          EXPECT_NEAR(objects[i].object_score, expected["score"].get<float>(), 1e-4);
          EXPECT_EQ(objects[i].logits.width, kWidth);
          // Errors of 1e-6 a frame add up over the passes: observed 2e-5 at most.
          EXPECT_LE(relative_error(sparse(objects[i].low_resolution), expected["logits"]), 1e-4);
        }
        return true;
      });
  EXPECT_EQ(next, step["frames"].size());
}

TEST_F(TrackerTest, EqualsTheOfficialCode) {
  for (const json& scenario : goldens().at("video")) {
    SCOPED_TRACE(scenario["name"]);
    const json& given = scenario["options"];
    Sam2VideoOptions options;
    options.max_conditioning_frames = given.value("max_conditioning_frames", -1);
    options.memory_stride = given.value("memory_stride", 0);
    const auto sam2 = open(scenario["version"], options);
    TinyVideo video;
    const auto tracker = sam2->open(video);
    for (const json& step : scenario["steps"]) {
      if (step.contains("pass")) {
        expect_pass(*tracker, step);
      } else {
        take_step(*tracker, step);
      }
    }
  }
}

TEST_F(TrackerTest, EncodesACachedFrameOnce) {
  const auto sam2 = open();
  constexpr int kMany = 100;
  TinyVideo video(kMany);
  const auto tracker = sam2->open(video);
  tracker->add_box(1, 4, {8, 5, 40, 30});
  pass(*tracker, 4, false);
  EXPECT_EQ(sam2->encoder_runs(), kMany - 4);
  pass(*tracker, 4, true);
  EXPECT_EQ(sam2->encoder_runs(), kMany);
  EXPECT_EQ(pass(*tracker, kMany - 1, true).size(), size_t{kMany});
  EXPECT_EQ(sam2->encoder_runs(), kMany);

  // Another tracker of the same video, an image mask, another object: nothing is encoded again.
  const auto other = sam2->open(video);
  other->add_box(1, 6, {12, 9, 50, 40});
  other->add_box(2, 6, {1, 1, 20, 20});
  pass(*other, 6, false);
  sam2->mask_of_box(video, 2, {8, 5, 40, 30});
  EXPECT_EQ(sam2->encoder_runs(), kMany);
}

TEST_F(TrackerTest, KeepsNothingOfFramesThatNobodyReturnsTo) {
  const auto sam2 = open();
  constexpr int kMany = 20;
  TinyVideo video(kMany);
  const auto tracker = sam2->open(video);
  tracker->add_box(1, 4, {8, 5, 40, 30});
  sam2->will_return_to(6, 7);
  pass(*tracker, 4, false);
  EXPECT_EQ(sam2->encoder_runs(), kMany - 4);
  const size_t three_frames = dynamic_cast<Segmenter&>(*sam2).cached_bytes();
  const auto other = sam2->open(video);
  other->add_box(1, 6, {12, 9, 50, 40});
  pass(*other, 6, false);
  EXPECT_EQ(sam2->encoder_runs(), kMany - 4 + kMany - 8);
  EXPECT_EQ(dynamic_cast<Segmenter&>(*sam2).cached_bytes(), three_frames);
}

// One tracker a sentence: each with memory for masks of a large video would add up.
TEST_F(TrackerTest, TrackersShareTheMemoryOfTheirMasks) {
  const auto sam2 = open();
  TinyVideo video;
  std::vector<std::unique_ptr<VideoTracker>> trackers;
  std::set<const float*> places;
  const auto look = [&](int, std::span<const ObjectLogits> masks) {
    EXPECT_EQ(masks.size(), 1u);
    EXPECT_EQ(masks[0].logits.values.size(),
              static_cast<size_t>(video.width()) * static_cast<size_t>(video.height()));
    places.insert(masks[0].logits.values.data());
    return true;
  };
  for (const int object : {1, 2, 3}) {
    trackers.push_back(sam2->open(video));
    trackers.back()->add_box(object, 0, {8, 5, 40, 30});
    trackers.back()->start_pass(0, false);
  }
  for (int frame = 0; frame < 2; ++frame) {
    for (const auto& tracker : trackers) EXPECT_TRUE(tracker->step(look));
  }
  EXPECT_EQ(places.size(), 1u);

  // Not with one that is asked while another's masks are looked at.
  std::vector<float> before;
  EXPECT_TRUE(trackers[0]->step([&](int, std::span<const ObjectLogits> masks) {
    before = masks[0].logits.values;
    EXPECT_TRUE(trackers[1]->step(look));
    EXPECT_EQ(masks[0].logits.values, before);
    EXPECT_EQ(masks[0].object, 1);
    return true;
  }));
}

TEST_F(TrackerTest, WithoutACacheGivesTheSameMasks) {
  const auto cached = open(), bare = open("2.1", {.feature_cache_bytes = 0});
  TinyVideo video;
  std::vector<Masks> results;
  for (VideoSegmenter* sam2 : {cached.get(), bare.get()}) {
    const auto tracker = sam2->open(video);
    tracker->add_box(1, 4, {8, 5, 40, 30});
    pass(*tracker, 4, false);
    results.push_back(pass(*tracker, 2, false));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_GT(bare->encoder_runs(), cached->encoder_runs());
}

TEST_F(TrackerTest, ForgettingFarFramesChangesNoPassForwardAndBack) {
  const auto roomy = open(), tight = open("2.1", {.history_bytes = 0});
  TinyVideo video(/*frames=*/50);
  std::vector<Masks> results;
  for (VideoSegmenter* sam2 : {roomy.get(), tight.get()}) {
    const auto tracker = sam2->open(video);
    tracker->add_box(1, 10, {8, 5, 40, 30});
    pass(*tracker, 10, false);
    results.push_back(pass(*tracker, 10, true));
  }
  EXPECT_EQ(results[0], results[1]);
}

// What is kept after some frames of a pass with two objects: memories, and features.
struct Kept {
  size_t memories, features;
  bool operator==(const Kept&) const = default;
};

Kept kept_after(VideoSegmenter& sam2, int frames) {
  TinyVideo video(frames, /*knows_length=*/false);
  const auto tracker = sam2.open(video);
  tracker->add_box(1, 0, {8, 5, 40, 30});
  tracker->add_box(2, 3, {1, 1, 20, 20});
  pass(*tracker, 0, false);
  return {dynamic_cast<Tracker&>(*tracker).bytes(), dynamic_cast<Segmenter&>(sam2).cached_bytes()};
}

TEST_F(TrackerTest, KeepsNoMoreOfALongVideoThanOfAShortOne) {
  constexpr size_t kBudget = size_t{1} << 20;
  for (const size_t history : {size_t{0}, kBudget}) {
    SCOPED_TRACE(history);
    const auto sam2 = open("2.1", {.feature_cache_bytes = kBudget, .history_bytes = history});
    const Kept early = kept_after(*sam2, 150), late = kept_after(*sam2, 300);
    EXPECT_EQ(early, late);
    EXPECT_LE(late.features, kBudget);
    EXPECT_GT(late.features, kBudget / 2);
    // Besides the budget, what two passes need: 33 frames and a prompt of each object.
    EXPECT_LE(late.memories, history + kept_after(*sam2, 40).memories);
  }
}

TEST_F(TrackerTest, APromptOnAForgottenFrameIsANewOne) {
  const auto forgetful = open("2.1", {.history_bytes = 0}), mindful = open();
  TinyVideo video(/*frames=*/60);
  for (VideoSegmenter* sam2 : {forgetful.get(), mindful.get()}) {
    const auto tracker = sam2->open(video);
    tracker->add_box(1, 0, {8, 5, 40, 30});
    pass(*tracker, 0, false);
    tracker->add_box(1, 30, {12, 9, 50, 40});
    const Masks again = pass(*tracker, 30, false);
    const auto fresh = sam2->open(video);
    fresh->add_box(1, 30, {12, 9, 50, 40});
    // A correction would build on what was tracked there.
    EXPECT_EQ(again.at(30) == pass(*fresh, 30, false).at(30), sam2 == forgetful.get());
  }
}

TEST_F(TrackerTest, StopsWhereTheVideoEndsEarly) {
  const auto sam2 = open();
  TinyVideo video(/*frames=*/5, /*knows_length=*/false);
  const auto tracker = sam2->open(video);
  tracker->add_box(1, 0, {8, 5, 40, 30});
  EXPECT_EQ(pass(*tracker, 0, false).size(), 5u);
  EXPECT_EQ(pass(*tracker, 0, true).size(), 0u);  // nothing lies before frame 0
}

TEST_F(TrackerTest, StopsWhenAsked) {
  const auto sam2 = open();
  TinyVideo video;
  const auto tracker = sam2->open(video);
  tracker->add_box(1, 0, {8, 5, 40, 30});
  int frames = 0;
  tracker->propagate(0, false, [&](int, std::span<const ObjectLogits>) { return ++frames < 3; });
  EXPECT_EQ(frames, 3);
}

TEST_F(TrackerTest, RefusesWhatMakesNoSense) {
  const auto sam2 = open();
  TinyVideo video;
  const auto tracker = sam2->open(video);
  EXPECT_THROW(tracker->start_pass(0, false), Error);
  EXPECT_THROW(tracker->add_box(1, kFrames, {1, 1, 9, 9}), Error);
  EXPECT_THROW(tracker->add_box(1, -1, {1, 1, 9, 9}), Error);
  EXPECT_THROW(tracker->add_mask(1, 0, Mask(3, 3)), Error);
  EXPECT_THROW(tracker->add_points(1, 0, {}, {}), Error);
  for (const float wrong : {NAN, INFINITY, -INFINITY}) {
    EXPECT_THROW(tracker->add_box(1, 0, {1, wrong, 9, 9}), Error);
    EXPECT_THROW(tracker->add_points(1, 0, std::vector<Point>{{3, wrong}}, std::vector<int>{1}),
                 Error);
  }
  EXPECT_THROW(tracker->add_box(1, 0, {kWidth + 1, 0, kWidth + 9, 9}), Error);
  EXPECT_THROW(tracker->add_points(1, 0, std::vector<Point>{{3, kHeight + 1}}, std::vector<int>{1}),
               Error);
  EXPECT_THROW(open("2.1", {.max_conditioning_frames = 1}), Error);
}

TEST_F(TrackerTest, CutsABoxToTheFrame) {
  const auto sam2 = open();
  TinyVideo video;
  std::vector<Masks> results;
  for (const Box& box : {Box{-10, 5, 1000, 30}, Box{0, 5, kWidth, 30}}) {
    const auto tracker = sam2->open(video);
    tracker->add_box(1, 0, box);
    results.push_back(pass(*tracker, 0, false));
  }
  EXPECT_EQ(results[0], results[1]);
}

class FlatVideo : public TinyVideo {
 public:
  int height() const override { return 0; }
};

TEST_F(TrackerTest, AVideoWithoutPixelsIsAnError) {
  const auto sam2 = open();
  FlatVideo video;
  try {
    sam2->open(video);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("60 x 0"));
  }
}

TEST_F(TrackerTest, AResetTrackerIsNew) {
  const auto sam2 = open();
  TinyVideo video;
  const auto used = sam2->open(video), fresh = sam2->open(video);
  used->add_box(1, 6, {12, 9, 50, 40});
  pass(*used, 6, true);
  used->reset();
  for (VideoTracker* tracker : {used.get(), fresh.get()}) tracker->add_box(2, 3, {8, 5, 40, 30});
  EXPECT_EQ(pass(*used, 3, false), pass(*fresh, 3, false));
}

}  // namespace
}  // namespace alref::sam2::testing
