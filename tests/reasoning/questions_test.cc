// SPDX-License-Identifier: Apache-2.0
#include "reasoning/questions.h"

#include "alref/error.h"

#include <gmock/gmock.h>

namespace alref::reasoning {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<Detection> boxes(size_t count) {
  std::vector<Detection> found;
  for (size_t i = 0; i < count; ++i) {
    found.push_back({.box = {10, 20, 60, 70},
                     .score = 0.5f,
                     .phrase = "thing " + std::to_string(i),
                     .phrase_offset = 0});
  }
  return found;
}

TEST(QuestionsTest, PromptsNeedEveryValueAndNoOther) {
  EXPECT_EQ(fill_prompt("a {{x}} b {{x}}", {{"x", "1"}}), "a 1 b 1");
  EXPECT_THROW(fill_prompt("{{x}}", {}), Error);
  EXPECT_THROW(fill_prompt("{{x", {{"x", "1"}}), Error);
  EXPECT_THROW(fill_prompt("{{x}}", {{"x", "1"}, {"y", "2"}}), Error);
}

TEST(QuestionsTest, ValuesAreNotSearchedForPlaceholders) {
  EXPECT_EQ(fill_prompt("{{x}}", {{"x", "{{x}} {{y}}"}}), "{{x}} {{y}}");
}

TEST(QuestionsTest, NoPlaceholderIsLeftInAnyQuestion) {
  const std::vector<std::string> tags = {"Bark", "Dog"};
  for (const std::string& question :
       {pivot_frame_question("the red car", 5), pivot_box_question("the red car", 5, 2, boxes(3)),
        sounding_objects_question(5, tags, tags, false),
        sounding_box_question("dog", 10, 4, boxes(2), 100, 100)}) {
    EXPECT_THAT(question, AllOf(Not(HasSubstr("{{")), Not(HasSubstr("}}")))) << question;
  }
}

TEST(QuestionsTest, PivotFrameNamesExpressionAndFrameCount) {
  EXPECT_THAT(pivot_frame_question("the red car", 4),
              AllOf(HasSubstr("\"the red car\""), HasSubstr("shows 4 frames"),
                    HasSubstr("square brackets")));
}

TEST(QuestionsTest, PivotBoxNamesEachBoxAndItsPhrase) {
  const std::string question = pivot_box_question("the red car", 5, 2, boxes(3));
  EXPECT_THAT(question, HasSubstr("In frame 2, a detector has marked three boxes"));
  EXPECT_THAT(question, HasSubstr("green (number 1), magenta (number 2) and orange (number 3)"));
  EXPECT_THAT(question,
              HasSubstr("box 1 as \"thing 0\", box 2 as \"thing 1\" and box 3 as \"thing 2\""));
  EXPECT_THAT(pivot_box_question("x", 5, 1, boxes(1)), HasSubstr("marked one box, each"));
  EXPECT_THROW(pivot_box_question("x", 5, 1, boxes(7)), Error);
  EXPECT_THROW(pivot_box_question("x", 5, 1, {}), Error);
}

TEST(QuestionsTest, SoundingObjectsDependOnTheSetting) {
  const std::vector<std::string> tags = {"Bark", "Dog"}, classes = {"dog", "cat"};
  EXPECT_THAT(sounding_objects_question(5, tags, classes, true),
              AllOf(HasSubstr("one only"), HasSubstr("Bark, Dog"), HasSubstr("dog, cat"),
                    Not(HasSubstr("rows"))));
  EXPECT_THAT(sounding_objects_question(10, tags, classes, false),
              AllOf(HasSubstr("in rows of five"), Not(HasSubstr("one only"))));
}

TEST(QuestionsTest, SoundingBoxGivesFractionsOfTheFrame) {
  EXPECT_THAT(sounding_box_question("dog", 5, 3, boxes(2), 200, 100),
              AllOf(HasSubstr("number 1, green, centre (0.175, 0.450), width 0.250, height 0.500"),
                    HasSubstr("frame 3"), HasSubstr("from 1 to 2")));
}

}  // namespace
}  // namespace alref::reasoning
