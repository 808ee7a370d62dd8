// SPDX-License-Identifier: Apache-2.0
#include "reasoning/clips.h"

#include "alref/error.h"

#include <gmock/gmock.h>

namespace alref::reasoning {
namespace {

using testing::ElementsAre;

TEST(ClipsTest, EveryTenthFrameFiveToAClip) {
  const auto clips = make_clips(120);
  ASSERT_EQ(clips.size(), 3u);
  EXPECT_THAT(clips[0].frames, ElementsAre(0, 10, 20, 30, 40));
  EXPECT_THAT(clips[1].frames, ElementsAre(50, 60, 70, 80, 90));
  EXPECT_THAT(clips[2].frames, ElementsAre(100, 110));
  EXPECT_EQ(clips[2].index, 2);
}

TEST(ClipsTest, ClipWithOneSampledFrameIsSkipped) {
  EXPECT_EQ(make_clips(60).size(), 1u);  // the second clip would be frame 50 alone
  EXPECT_EQ(make_clips(61).size(), 2u);
}

TEST(ClipsTest, VideosOfTenFramesOrFewerHaveNoClip) {
  EXPECT_TRUE(make_clips(0).empty());
  EXPECT_TRUE(make_clips(10).empty());
  EXPECT_THAT(make_clips(11).at(0).frames, ElementsAre(0, 10));
}

TEST(ClipsTest, SingleFramesAreKeptOnRequest) {
  const auto clips = make_clips(51, {.keep_single = true});
  ASSERT_EQ(clips.size(), 2u);
  EXPECT_THAT(clips[1].frames, ElementsAre(50));
}

TEST(ClipsTest, StepBelowOneIsAnError) { EXPECT_THROW(make_clips(5, {.step = 0}), Error); }

}  // namespace
}  // namespace alref::reasoning
