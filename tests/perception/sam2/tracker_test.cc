// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"
#include "alref/sam2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  for (const json& scenario : goldens()["video"]) {
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
  TinyVideo video;
  const auto tracker = sam2->open(video);
  tracker->add_box(1, 4, {8, 5, 40, 30});
  pass(*tracker, 4, false);
  pass(*tracker, 4, true);
  EXPECT_EQ(sam2->encoder_runs(), kFrames);

  // Another tracker of the same video, an image mask, another object: nothing is encoded again.
  const auto other = sam2->open(video);
  other->add_box(1, 6, {12, 9, 50, 40});
  other->add_box(2, 6, {1, 1, 20, 20});
  pass(*other, 6, false);
  sam2->mask_of_box(video, 2, {8, 5, 40, 30});
  EXPECT_EQ(sam2->encoder_runs(), kFrames);
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
  EXPECT_THROW(open("2.1", {.max_conditioning_frames = 1}), Error);
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
