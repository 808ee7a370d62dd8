// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "reasoning/box_world.h"
#include "reasoning/sound/first_sound_reasoner.h"
#include "reasoning/sound/language_sound_reasoner.h"
#include "reasoning/sound/rules_sound_reasoner.h"
#include "reasoning/sound/sound_things.h"

namespace alref::reasoning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::array<uint8_t, 3> kRed = {200, 20, 20}, kBlue = {20, 20, 200};

TEST(SoundThingsTest, TagsStandForThings) {
  EXPECT_EQ(visible_thing("Bark"), "dog");
  EXPECT_EQ(visible_thing("Male speech, man speaking"), "man");
  EXPECT_EQ(visible_thing("Vacuum cleaner"), "vacuum-cleaner");
  EXPECT_EQ(visible_thing("Bird vocalization, bird call, bird song"), "bird");
  EXPECT_EQ(visible_thing("Drum"), "drum");  // not "Drum machine", nor "Drum kit"
  EXPECT_EQ(visible_thing("Drum kit"), "drum kit");
}

TEST(SoundThingsTest, AbstractTagsStandForNothing) {
  for (const char* tag :
       {"Music", "Sad music", "Animal", "Inside, small room", "Silence", "Echo", ""})
    EXPECT_EQ(visible_thing(tag), "") << tag;
}

TEST(SoundThingsTest, WideNamesHaveNarrowerThings) {
  EXPECT_THAT(narrower_things("bird"), ElementsAre("seagull", "penguin", "heron"));
  EXPECT_THAT(narrower_things("dog"), IsEmpty());
}

TEST(SoundThingsTest, UnknownNamesAreThingsThemselves) {
  EXPECT_EQ(visible_thing("Giraffe"), "giraffe");
  EXPECT_EQ(visible_thing("Sea lion (barking)"), "sea lion");
}

/// A dog that moves right, a dog that rests, a cat that is there at the end only.
class SoundReasonersTest : public testing::Test {
 protected:
  SoundReasonersTest() {
    heard_.clip = {.index = 0, .frames = {0, 25, 50, 75, 99}};
    heard_.tags = {{"/1", "Music", 0.9f}, {"/2", "Bark", 0.6f}, {"/3", "Meow", 0.5f},
                   {"/4", "Dog", 0.4f},   {"/5", "Moo", 0.3f},  {"/6", "Oink", 0.01f}};
  }

  BoxWorld world_{100,
                  {{"dog", kRed, resting({60, 60}, 40), 0.7f},
                   {"dog", kRed, moving({40, 180}, {280, 180}, 40, 100), 0.6f},
                   {"cat", kBlue, during(90, 99, resting({200, 60}, 50)), 0.8f}}};
  Scene scene_{world_, world_.detector(), "world"};
  HeardClip heard_;
};

TEST_F(SoundReasonersTest, RulesKeepWhatIsHeardAndSeen) {
  RulesSoundReasoner rules;
  const SoundingChoice choice = rules.name_objects(scene_, heard_);
  ASSERT_EQ(choice.objects.size(), 2U);
  EXPECT_EQ(choice.objects[0].name, "dog");
  EXPECT_EQ(choice.objects[1], (SoundingObject{"cat", 5}));  // only the last frame shows it
  EXPECT_THAT(choice.reply, HasSubstr("'cow' (heard 0.30, seen 0.00) is not to be seen"));
  EXPECT_THAT(choice.reply, testing::Not(HasSubstr("pig")));
}

TEST_F(SoundReasonersTest, RulesMergeWhatLooksLikeOneThing) {
  BoxWorld world(100, {{"dog", kRed, resting({60, 60}, 40), 0.7f},
                       {"cat", kRed, resting({61, 60}, 40), 0.5f}});
  Scene scene(world, world.detector(), "one thing");
  const auto choice = RulesSoundReasoner().name_objects(scene, heard_);
  ASSERT_EQ(choice.objects.size(), 1U);
  EXPECT_EQ(choice.objects[0].name, "dog");
}

TEST_F(SoundReasonersTest, RulesMergeOneThingThatShowsBestOnDifferentFrames) {
  // One growing thing that both names fit; the second name only in the middle.
  const auto grows = moving({100, 100}, {100, 100}, 20, 100, 80);
  BoxWorld world(100, {{"dog", kRed, grows, 0.7f}, {"cat", kRed, during(0, 60, grows), 0.5f}});
  Scene scene(world, world.detector(), "one thing");
  const auto choice = RulesSoundReasoner().name_objects(scene, heard_);
  ASSERT_EQ(choice.objects.size(), 1U);
  EXPECT_EQ(choice.objects[0], (SoundingObject{"dog", 5}));
}

TEST_F(SoundReasonersTest, RulesTryNarrowerThings) {
  BoxWorld world(100, {{"penguin", kRed, resting({60, 60}, 40), 0.7f}});
  Scene scene(world, world.detector(), "penguin");
  heard_.tags = {{"/7", "Squawk", 0.6f}};
  heard_.moments.names = {"Squawk"};
  heard_.moments.probabilities = {{0.8f}, {0.1f}};
  RulesSoundReasoner rules;
  const auto choice = rules.name_objects(scene, heard_);
  ASSERT_EQ(choice.objects.size(), 1U);
  EXPECT_EQ(choice.objects[0].name, "penguin");
  EXPECT_THAT(*rules.active_objects(heard_, choice.objects),
              ElementsAre(ElementsAre(0U), IsEmpty()));
}

TEST_F(SoundReasonersTest, RulesForOneObjectTakeTheLikeliest) {
  const auto choice = RulesSoundReasoner({.single = true}).name_objects(scene_, heard_);
  ASSERT_EQ(choice.objects.size(), 1U);
  EXPECT_EQ(choice.objects[0].name, "dog");
}

TEST_F(SoundReasonersTest, RulesPreferWhatMoves) {
  const SoundingBoxQuestion question{
      .object = "dog", .number = 3, .boxes = scene_.detect(50, "dog", 0.25f)};
  ASSERT_EQ(question.boxes.size(), 2U);
  const auto choices = RulesSoundReasoner().choose_boxes(scene_, heard_, std::span(&question, 1));
  EXPECT_EQ(choices[0].number, 2);  // less sure, but it crosses the picture
}

TEST_F(SoundReasonersTest, RulesHearThingsInTheirMoments) {
  heard_.moments.names = {"Bark", "Meow", "Dog"};
  heard_.moments.probabilities = {
      {0.8f, 0, 0}, {0.1f, 0.05f, 0.6f}, {0.1f, 0, 0.1f}, {0.9f, 0.02f, 0}, {0, 0.03f, 0}};
  const std::vector<SoundingObject> objects = {{"dog", 1}, {"cat", 1}};
  const auto active = RulesSoundReasoner().active_objects(heard_, objects);
  // The dog only pauses in the third moment. The cat is never likely in one moment alone, so that
  // it counts throughout.
  EXPECT_THAT(*active, ElementsAre(ElementsAre(0U, 1U), ElementsAre(0U, 1U), ElementsAre(0U, 1U),
                                   ElementsAre(0U, 1U), ElementsAre(1U)));
  heard_.moment_seconds = 3;  // too long for a pause
  EXPECT_THAT(RulesSoundReasoner().active_objects(heard_, objects)->at(2), ElementsAre(1U));
}

TEST_F(SoundReasonersTest, RulesHearThingsFromOneChangeToTheNext) {
  heard_.moments.names = {"Bark"};
  heard_.moments.probabilities = {{0.9f}, {0.1f}, {0.1f}, {0.1f}, {0.1f}, {0.1f}};
  heard_.segments = {{0, 2}, {2, 6}};
  const std::vector<SoundingObject> objects = {{"dog", 1}};
  const auto active = RulesSoundReasoner().active_objects(heard_, objects);
  EXPECT_THAT(*active, ElementsAre(ElementsAre(0U), ElementsAre(0U), IsEmpty(), IsEmpty(),
                                   IsEmpty(), IsEmpty()));
}

TEST_F(SoundReasonersTest, RulesBelieveWhatIsClearInOneMoment) {
  heard_.tags = {{"/2", "Bark", 0.6f}};
  heard_.moments.names = {"Meow", "Bark"};
  heard_.moments.probabilities = {{0.01f, 0.9f}, {0.3f, 0.2f}};
  RulesSoundReasoner rules;
  EXPECT_EQ(rules.name_objects(scene_, heard_).objects.size(), 1U);  // a third of the dog's
  heard_.moments.probabilities[1][0] = 0.4f;
  EXPECT_EQ(rules.name_objects(scene_, heard_).objects.size(), 2U);
  heard_.tags_are_known = true;
  EXPECT_EQ(rules.name_objects(scene_, heard_).objects.size(), 1U);
}

TEST_F(SoundReasonersTest, RulesAreSureOfALoneBoxOfTheSameSize) {
  BoxWorld world(100, {{"dog", kRed, moving({40, 180}, {280, 180}, 40, 100), 0.6f},
                       {"dog", kRed, during(20, 30, resting({60, 60}, 40)), 0.55f}});
  Scene scene(world, world.detector(), "world");
  RulesSoundReasoner rules;
  const auto numbers = [&](const FramedBox& given) {
    std::vector<int> found;
    for (const FramedBox& box : rules.further_boxes(scene, heard_, "dog", given))
      found.push_back(box.number);
    return found;
  };
  FramedBox chosen{1, scene.detect(0, "dog", 0.25f).front()};
  EXPECT_THAT(numbers(chosen), ElementsAre(3, 4, 5));  // on frame 2 another one rivals it
  chosen.detection.score = 0.99f + 0.1f;               // far surer than any other
  EXPECT_THAT(numbers(chosen), IsEmpty());
  chosen.detection.score = 0.6f;
  chosen.detection.box.x1 = chosen.detection.box.x0 + 4;  // and far smaller
  EXPECT_THAT(numbers(chosen), IsEmpty());
}

TEST_F(SoundReasonersTest, RulesForOneObjectHearItThroughout) {
  heard_.moments.names = {"Bark"};
  heard_.moments.probabilities = {{0.9f}, {0}, {0}, {0}, {0}};
  const std::vector<SoundingObject> objects = {{"dog", 1}};
  const auto active = RulesSoundReasoner({.single = true}).active_objects(heard_, objects);
  EXPECT_THAT(*active, testing::Each(ElementsAre(0U)));
}

TEST_F(SoundReasonersTest, RulesPreferANarrowerNameThatFitsBetter) {
  BoxWorld world(100, {{"lion", kRed, resting({60, 60}, 40), 0.3f},
                       {"tiger", kRed, resting({60, 60}, 40), 0.7f}});
  Scene scene(world, world.detector(), "tiger");
  heard_.tags = {{"/7", "Roar", 0.6f}};
  EXPECT_EQ(RulesSoundReasoner().name_objects(scene, heard_).objects.at(0).name, "tiger");
}

TEST_F(SoundReasonersTest, FirstTakesTheLikeliestTag) {
  FirstSoundReasoner first;
  heard_.tags = {{"/2", "Violin, fiddle", 0.6f}, {"/3", "Meow", 0.5f}};
  EXPECT_THAT(first.name_objects(scene_, heard_).objects, ElementsAre(SoundingObject{"Violin", 1}));
  heard_.tags.clear();
  EXPECT_THAT(first.name_objects(scene_, heard_).objects, IsEmpty());
}

/// Answers from a list; keeps the questions.
class ListResponder : public Responder {
 public:
  explicit ListResponder(std::vector<std::string> answers, std::vector<Question>* asked)
      : answers_(std::move(answers)), asked_(asked) {}
  void ask(std::span<const Question> questions, const OnAnswer& on_answer) override {
    for (size_t i = 0; i < questions.size(); ++i) {
      asked_->push_back(questions[i]);
      on_answer(i, {.text = answers_.at(next_++), .model = {}, .usage = {}});
    }
  }
  std::string settings(Stage) const override { return {}; }

 private:
  std::vector<std::string> answers_;
  std::vector<Question>* asked_;
  size_t next_ = 0;
};

TEST_F(SoundReasonersTest, LanguageIsAskedWithTagsClassesAndBoxes) {
  std::vector<Question> asked;
  LanguageSoundReasoner reasoner(
      "chat",
      std::make_unique<ListResponder>(
          std::vector<std::string>{"['dog': 3, 'cat, the grey one': 9]", "[2]"}, &asked),
      {.classes = {"dog", "cat"}, .single = false});
  const auto choice = reasoner.name_objects(scene_, heard_);
  EXPECT_THAT(choice.objects, ElementsAre(SoundingObject{"dog", 3}, SoundingObject{"cat", 1}));
  EXPECT_THAT(asked[0].text, HasSubstr("Music, Bark, Meow, Dog, Moo, Oink"));
  EXPECT_THAT(asked[0].text, HasSubstr("dog, cat"));

  const SoundingBoxQuestion question{
      .object = "dog", .number = 3, .boxes = scene_.detect(50, "dog", 0.25f)};
  const auto choices = reasoner.choose_boxes(scene_, heard_, std::span(&question, 1));
  EXPECT_EQ(choices[0].number, 2);
  EXPECT_EQ(asked[1].subject, "dog");
  EXPECT_NE(asked[1].image->pixels, asked[0].image->pixels);  // the boxes are drawn
}

}  // namespace
}  // namespace alref::reasoning
