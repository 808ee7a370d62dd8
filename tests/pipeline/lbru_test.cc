// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lbru.h"

#include "alref/error.h"

#include <gmock/gmock.h>

#include "pipeline/fake_listeners.h"

namespace alref::pipeline {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr float kDog = 0.25f, kCat = 0.5f, kBoth = 0.75f;

class LbruTest : public testing::Test {
 protected:
  FakeTagger tagger_, second_;
  FakeEmbedder embedder_;
  Lbru lbru_{{.taggers = {&tagger_, &second_}, .matcher = &embedder_, .classes = &embedder_}};
};

std::vector<std::string> names(const std::vector<AudioTag>& tags) {
  std::vector<std::string> names;
  names.reserve(tags.size());
  for (const AudioTag& tag : tags) names.push_back(tag.name);
  return names;
}

TEST_F(LbruTest, TagsAreUnitedWithoutSilence) {
  FakeSound sound({kCat, kCat, kDog});
  EXPECT_THAT(names(lbru_.tags(sound.whole(), 2)), ElementsAre("Meow", "Bark"));
  EXPECT_EQ(tagger_.runs, 1);
  EXPECT_EQ(second_.runs, 1);
}

TEST_F(LbruTest, MomentsPastTheEndAreSilent) {
  FakeSound sound({kDog, kCat});
  const auto moments = lbru_.moment_tags(sound.whole(), 3, 1);
  ASSERT_EQ(moments.probabilities.size(), 3U);
  const auto bark = std::ranges::find(moments.names, "Bark") - moments.names.begin();
  EXPECT_FLOAT_EQ(moments.probabilities[0][static_cast<size_t>(bark)], 0.9f);
  EXPECT_FLOAT_EQ(moments.probabilities[1][static_cast<size_t>(bark)], 0);
  EXPECT_FLOAT_EQ(moments.probabilities[2][static_cast<size_t>(bark)], 0);
}

TEST_F(LbruTest, SegmentsEndWhereTheSoundChanges) {
  FakeSound sound({kDog, kDog, kCat, kCat, kDog});
  const auto moments = lbru_.moment_tags(sound.whole(), 5, 1);
  EXPECT_THAT(Lbru::segments(moments, 0.5f), ElementsAre(Pair(0, 2), Pair(2, 4), Pair(4, 5)));
  EXPECT_THAT(Lbru::segments(moments, 0), ElementsAre(Pair(0, 5)));
}

TEST_F(LbruTest, CombinationsCompeteForEachSegment) {
  FakeSound sound({kDog, kCat, kBoth});
  const std::vector<Segment> segments = {{0, 1}, {1, 2}, {2, 3}};
  const std::vector<std::string> labels = {"dog", "cat"};
  const auto chosen = lbru_.labels_of(sound.whole(), segments, 1, labels, "; ");
  EXPECT_THAT(chosen, ElementsAre(ElementsAre(0U), ElementsAre(1U), ElementsAre(0U, 1U)));
  // Each text is embedded once, in the words that describe the sound.
  EXPECT_THAT(embedder_.texts, ElementsAre("dog barking", "cat meow", "dog barking; cat meow"));
}

TEST_F(LbruTest, TooManyLabelsAreRefused) {
  const std::vector<std::string> labels(Lbru::kMostLabels + 1, "dog");
  FakeSound sound({kDog});
  EXPECT_THROW(lbru_.labels_of(sound.whole(), {}, 1, labels, ", "), Error);
}

TEST_F(LbruTest, UnknownLabelsGetTheNearestClass) {
  const std::vector<std::string> classes = {"dog barking class", "cat meow class"};
  EXPECT_EQ(lbru_.nearest_class("cat meow of a kitten", classes), 1U);
}

TEST(SpreadTest, TheLastSegmentFillsUp) {
  const std::vector<Segment> segments = {{0, 1}, {1, 3}};
  const std::vector<std::vector<size_t>> labels = {{0}, {0, 1}};
  EXPECT_THAT(spread_over_moments(segments, labels, 5),
              ElementsAre(ElementsAre(0U), ElementsAre(0U, 1U), ElementsAre(0U, 1U),
                          ElementsAre(0U, 1U), ElementsAre(0U, 1U)));
}

}  // namespace
}  // namespace alref::pipeline
