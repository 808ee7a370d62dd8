// SPDX-License-Identifier: Apache-2.0
// A recorded set of replies through all steps of the method for sentences. What is expected was
// worked out by hand from the reference (al-ref-sam2 rvos/ytvos: concat_stage_1.py,
// gpt_cot_inference_stage_{1,2}.py, concat_stage_2.py, segment_inference_stage_2.py).
#include "alref/error.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "pipeline/fake_segmenter.h"
#include "pipeline/rvos.h"
#include "reasoning/box_world.h"
#include "reasoning/chat/language_reasoner.h"
#include "reasoning/chat/recording.h"
#include "testing/temporary_folder.h"

namespace alref::pipeline {
namespace {

using reasoning::BoxWorld;
using reasoning::resting;
using reasoning::Thing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSentence = "the dog that barks";
constexpr std::array<uint8_t, 3> kRed = {200, 20, 20};

/// Replies by clip.
using Replies = std::map<int, std::string>;

const Replies kFrames = {
    {0, "Frame [1] is dark, the best one is [3]."},  // the last bracket counts: frame 20
    {1, "[7]"},                                      // there are five frames
    {2, "[2]"},                                      // frame 110, on which no dog is seen
    {3, "The fourth frame, surely."},                // no bracket
    {4, "[5]"},                                      // frame 240
    {5, "[1]"},                                      // frame 250
    {6, "[4]"},                                      // frame 330
    {7, "[2]"},                                      // frame 360
    {8, "[3]"},                                      // would be frame 420, past the end
};
const Replies kBoxes = {
    {0, "**Answer**: [**2**]"},
    {4, "[4]"},  // three boxes were asked about
    {5, "\\[1\\]"},
    {6, "[0], no: [3]"},
    {7, "[-1], none of them"},
};

/// Dogs in the detector's order, none of them on the frames 105 to 115.
std::vector<Thing> dogs() {
  const auto seen = [](Point at, float size) {
    return [box = resting(at, size)](int frame) {
      return frame >= 105 && frame <= 115 ? std::optional<Box>() : box(frame);
    };
  };
  return {{"dog", kRed, seen({40, 60}, 30), 0.3f},   {"dog", kRed, seen({120, 60}, 40), 0.9f},
          {"dog", kRed, seen({200, 60}, 10), 0.26f}, {"dog", kRed, seen({280, 60}, 20), 0.5f},
          {"dog", kRed, seen({40, 160}, 50), 0.25f}, {"dog", kRed, seen({120, 160}, 60), 0.01f}};
}

/// A reply file of the authors' format (replies_test.cc), all clips of one sentence.
std::string reply_file(const Replies& replies, const char* field) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [clip, reply] : replies) {
    list.push_back({{field, reply},
                    {"image_path", "x/combined_5_step_10_id_" + std::to_string(clip) + ".jpg"}});
  }
  return nlohmann::json{{"exp_id", 0}, {"exp", kSentence}, {"res_list", list}}.dump();
}

class RecordedRepliesTest : public ::testing::Test {
 protected:
  /// Runs the method on a video of so many frames. A question without a recorded reply is an error.
  RvosTrace run(int frames, const Replies& frame_replies, const Replies& box_replies,
                const RvosOptions& options = {}) {
    auto replay = std::make_unique<reasoning::ReplayResponder>();
    replay->add_file(folder_.write("1.json", reply_file(frame_replies, "response")));
    replay->add_file(folder_.write("2.json", reply_file(box_replies, "response_two_stage")));
    reasoning::LanguageReasoner reasoner("replay", std::move(replay));
    BoxWorld world(frames, dogs());
    const auto detect = [&](int frame, const Image& image, std::string_view caption, float box,
                            float text) {
      detections_.push_back(std::to_string(frame) + " '" + std::string(caption) + "'");
      text_thresholds_.insert(text);
      return world.detector()(frame, image, caption, box, text);
    };
    reasoning::Scene scene(world, detect, "video");
    RvosEvents events;
    events.on_masks = [&](size_t, int frame, const FloatMap& logits, float) {
      order_.push_back(frame);
      areas_[frame] = positive(logits).area();
    };
    const std::vector<std::string> texts = {kSentence};
    return run_rvos(scene, reasoner, segmenter_, texts, options, events).traces.at(0);
  }

  static std::vector<float> scores(const reasoning::ClipRecord& clip) {
    std::vector<float> result;
    for (const Detection& d : clip.boxes) result.push_back(d.score);
    return result;
  }

  alref::testing::TemporaryFolder folder_;
  FakeSegmenter segmenter_;
  std::vector<std::string> detections_;  ///< frame and caption, as asked
  std::set<float> text_thresholds_;
  std::vector<int> order_;       ///< of frames, as masks came
  std::map<int, size_t> areas_;  ///< by frame, the last word
};

TEST_F(RecordedRepliesTest, EveryStepIsTheReferences) {
  const RvosTrace trace = run(420, kFrames, kBoxes);
  const auto& clips = trace.selection.clips;
  ASSERT_EQ(clips.size(), 9u);

  std::vector<int> pivot_frames;
  pivot_frames.reserve(clips.size());
  for (const auto& clip : clips) pivot_frames.push_back(clip.frame.value_or(-1));
  EXPECT_THAT(pivot_frames, ElementsAre(20, -1, 110, -1, 240, 250, 330, 360, -1));

  // The whole sentence is the caption; every box above 0.25, the best three of them.
  EXPECT_EQ(trace.selection.caption, kSentence);
  std::vector<std::string> asked;
  for (const int frame : {20, 110, 240, 250, 330, 360})
    asked.push_back(std::to_string(frame) + " '" + kSentence + "'");
  EXPECT_EQ(detections_, asked);
  EXPECT_THAT(text_thresholds_, ElementsAre(0.2f));
  for (const int clip : {0, 4, 5, 6, 7})
    EXPECT_THAT(scores(clips.at(static_cast<size_t>(clip))), ElementsAre(0.9f, 0.5f, 0.3f)) << clip;
  EXPECT_TRUE(clips[2].boxes.empty());
  EXPECT_FALSE(clips[2].box_choice);

  std::vector<std::pair<int, float>> pivots;
  for (const auto& [pivot, area] : trace.prompts)
    pivots.emplace_back(pivot.frame, pivot.detection.score);
  EXPECT_THAT(pivots, ElementsAre(std::pair(20, 0.5f), std::pair(250, 0.9f), std::pair(330, 0.3f)));
  EXPECT_FALSE(trace.selection.fallback);

  // Each pivot's box becomes a mask by the image predictor, and that a prompt of the video
  // predictor; then forwards from the middle pivot to the end, and in reverse to the start.
  EXPECT_THAT(segmenter_.calls, ElementsAre("box 20", "mask 1 20", "box 250", "mask 1 250",
                                            "box 330", "mask 1 330", "forward 250", "reverse 250"));
  EXPECT_EQ(trace.prompts[0].mask_area, 20u * 20);
  EXPECT_EQ(trace.prompts[1].mask_area, 40u * 40);
  EXPECT_EQ(trace.prompts[2].mask_area, 30u * 30);
  std::vector<int> expected;
  for (int frame = 250; frame < 420; ++frame) expected.push_back(frame);
  for (int frame = 250; frame >= 0; --frame) expected.push_back(frame);
  EXPECT_EQ(order_, expected);
  EXPECT_EQ(areas_.size(), 420u);
  EXPECT_EQ(areas_[0], 20u * 20);
  EXPECT_EQ(areas_[419], 30u * 30);
}

TEST_F(RecordedRepliesTest, QuestionsNameFrameBoxesAndSentence) {
  const RvosTrace trace = run(420, kFrames, kBoxes);
  const auto& clip = trace.selection.clips[0];
  EXPECT_THAT(clip.frame_choice->question, HasSubstr(kSentence));
  EXPECT_EQ(clip.frame_choice->reply, kFrames.at(0));
  const std::string& boxes = clip.box_choice->question;
  for (const char* part : {kSentence, "green", "magenta", "orange", "3"})
    EXPECT_THAT(boxes, HasSubstr(part));
  EXPECT_THAT(boxes, Not(HasSubstr("blue")));  // the fourth box's colour
  EXPECT_EQ(clip.box_choice->reply, kBoxes.at(0));
}

TEST_F(RecordedRepliesTest, AClipOfOneFrameIsSkippedWithoutAQuestion) {
  Replies frames = kFrames;
  frames.erase(8);  // were it asked about, this would be an error
  const RvosTrace trace = run(401, frames, kBoxes);
  EXPECT_EQ(trace.selection.clips.size(), 8u);
  EXPECT_EQ(trace.start, 250);
}

TEST_F(RecordedRepliesTest, WithoutAnyPivotTheBestBoxOfFrameZeroIsTaken) {
  const RvosTrace trace = run(60, {{0, "[0]"}}, {});
  EXPECT_TRUE(trace.selection.fallback);
  EXPECT_EQ(detections_, std::vector<std::string>{std::string("0 '") + kSentence + "'"});
  EXPECT_THAT(segmenter_.calls, ElementsAre("box 0", "mask 1 0", "forward 0", "reverse 0"));
  EXPECT_EQ(trace.prompts.at(0).mask_area, 40u * 40);
}

TEST_F(RecordedRepliesTest, AMissingReplyIsAnErrorAndNoSilentFallback) {
  Replies boxes = kBoxes;
  boxes.erase(6);
  try {
    run(420, kFrames, boxes);
    FAIL() << "a question was left out";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kReasoner);
    EXPECT_THAT(error.what(), HasSubstr("in clip 6"));
  }
}

}  // namespace
}  // namespace alref::pipeline
