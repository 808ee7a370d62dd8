// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/tracks.h"

#include <gtest/gtest.h>

namespace alref::reasoning {
namespace {

ColourHistogram plain(int red, int green, int blue) {
  Image image(40, 40);
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    image.pixels[i] = static_cast<uint8_t>(red);
    image.pixels[i + 1] = static_cast<uint8_t>(green);
    image.pixels[i + 2] = static_cast<uint8_t>(blue);
  }
  return ColourHistogram::of(image, {0, 0, 40, 40});
}

Sighting sighting(int frame, float x, float y, float size, const ColourHistogram& colours,
                  float score = 0.8f) {
  return {.frame = frame,
          .box = {x - size / 2, y - size / 2, x + size / 2, y + size / 2},
          .score = score,
          .certainty = score,
          .colours = colours};
}

const ColourHistogram kRed = plain(220, 20, 20);
const ColourHistogram kBlue = plain(20, 20, 220);

TEST(TracksTest, ColoursHaveTheirNames) {
  EXPECT_GT(kRed.share("red"), 0.99);
  EXPECT_GT(kBlue.share("blue"), 0.99);
  EXPECT_GT(plain(10, 10, 10).share("black"), 0.99);
  EXPECT_GT(plain(250, 250, 245).share("white"), 0.99);
  EXPECT_GT(plain(240, 150, 30).share("orange"), 0.99);
  EXPECT_GT(plain(110, 70, 30).share("brown"), 0.99);
  EXPECT_GT(plain(240, 220, 40).share("yellow"), 0.99);
  EXPECT_LT(kRed.similarity(kBlue), 0.01);
}

TEST(TracksTest, MovingThingIsOneTrack) {
  std::vector<SampledFrame> frames;
  frames.reserve(8);
  for (int i = 0; i < 8; ++i)
    frames.push_back({i * 10, {sighting(i * 10, 30.0f + 25 * i, 100, 40, kRed)}});
  const auto tracks = link_tracks(frames);
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].sightings.size(), 8u);
}

TEST(TracksTest, ThingsThatPassEachOtherKeepTheirColours) {
  std::vector<SampledFrame> frames;
  frames.reserve(9);
  for (int i = 0; i < 9; ++i) {
    const auto step = static_cast<float>(25 * i);
    frames.push_back(
        {i * 5,
         {sighting(i * 5, 50 + step, 100, 40, kRed), sighting(i * 5, 250 - step, 105, 40, kBlue)}});
  }
  const auto tracks = link_tracks(frames);
  ASSERT_EQ(tracks.size(), 2u);
  for (const Track& t : tracks) {
    const bool red = t.sightings.front().colours.share("red") > 0.5;
    for (const Sighting& s : t.sightings) EXPECT_EQ(s.colours.share("red") > 0.5, red) << s.frame;
  }
}

TEST(TracksTest, SeenInPartBehindAnotherIsStillTheSameThing) {
  std::vector<SampledFrame> frames;
  frames.reserve(10);
  for (int i = 0; i < 10; ++i) {
    // For three frames only a corner shows: a ninth of the area.
    Sighting s = sighting(i * 5, 100, 100, 60, kRed);
    if (i >= 4 && i <= 6) s.box = {70, 70, 90, 90};
    frames.push_back({i * 5, {s}});
  }
  const auto tracks = link_tracks(frames);
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].sightings.size(), 10u);
}

TEST(TracksTest, HiddenForAWhileIsStillTheSameThing) {
  std::vector<SampledFrame> frames;
  frames.reserve(10);
  for (int i = 0; i < 10; ++i) {
    SampledFrame frame{i * 5, {}};
    if (i < 3 || i > 6) frame.sightings = {sighting(i * 5, 50.0f + 15 * i, 100, 50, kRed)};
    frames.push_back(frame);
  }
  EXPECT_EQ(link_tracks(frames).size(), 1u);
}

TEST(TracksTest, ThingsFarApartAreTwo) {
  std::vector<SampledFrame> frames;
  frames.reserve(6);
  for (int i = 0; i < 6; ++i) {
    frames.push_back(
        {i * 5, {sighting(i * 5, i < 3 ? 40 : 280, i < 3 ? 40 : 200, 30, i < 3 ? kRed : kBlue)}});
  }
  EXPECT_EQ(link_tracks(frames).size(), 2u);
}

TEST(TracksTest, WeakSightingsContinueATrackButBeginNone) {
  std::vector<SampledFrame> frames;
  frames.reserve(6);
  for (int i = 0; i < 6; ++i) {
    frames.push_back({i * 5,
                      {sighting(i * 5, 60, 60, 40, kRed, i == 0 ? 0.6f : 0.2f),
                       sighting(i * 5, 250, 200, 40, kBlue, 0.2f)}});
  }
  const auto tracks = link_tracks(frames);
  ASSERT_EQ(tracks.size(), 1u);
  EXPECT_EQ(tracks[0].sightings.size(), 6u);
}

TEST(TracksTest, OverlappingAndContainedBoxesOfOneThingAreSuppressed) {
  const auto kept = merge_duplicates(
      {sighting(0, 100, 100, 80, kRed, 0.9f), sighting(0, 104, 100, 80, kRed, 0.7f),
       sighting(0, 95, 90, 20, kRed, 0.3f), sighting(0, 200, 100, 80, kRed, 0.5f),
       sighting(0, 300, 300, 20, kRed, 0.1f)},
      {});
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_FLOAT_EQ(kept[0].score, 0.9f);
  EXPECT_FLOAT_EQ(kept[1].score, 0.5f);
  EXPECT_FLOAT_EQ(kept[1].certainty, 0.5f);
}

TEST(TracksTest, BoxesThatAgreeMakeASightingSure) {
  const auto kept = merge_duplicates(
      {sighting(0, 100, 100, 80, kRed, 0.2f), sighting(0, 104, 100, 80, kRed, 0.3f),
       sighting(0, 100, 104, 80, kRed, 0.2f), sighting(0, 100, 100, 80, kRed, 0.1f)},
      {});
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FLOAT_EQ(kept[0].score, 0.3f);
  EXPECT_FLOAT_EQ(kept[0].box.x0, 64);                         // the surest one's
  EXPECT_FLOAT_EQ(kept[0].certainty, 1 - 0.7f * 0.8f * 0.8f);  // 0.1 is below keep_score
}

}  // namespace
}  // namespace alref::reasoning
