// SPDX-License-Identifier: Apache-2.0
#include "outputs/overlay.h"

#include "alref/error.h"

#include <gtest/gtest.h>

#include "media/audio_reader.h"
#include "media/media_testing.h"
#include "media/video_reader.h"

namespace alref::outputs {
namespace {

using testing::ffmpeg;
using testing::TempDir;

Image grey(int width, int height) {
  Image image(width, height);
  for (uint8_t& value : image.pixels) value = 128;
  return image;
}

Mask square(int width, int height, int from, int to) {
  Mask mask(width, height);
  for (int y = from; y < to; ++y) {
    for (int x = from; x < to; ++x) mask.row(y)[x] = 1;
  }
  return mask;
}

TEST(LegendTest, GrowsWithItsLinesAndStaysWithinTheFrame) {
  const std::vector<std::string> one = {"the cat"};
  const std::vector<std::string> two = {
      "the cat", "a dog that runs from left to right behind the red sofa and then sits down"};
  const std::vector<std::string> many(40, "one of many");
  const auto a = make_legend(one, 320, 240), b = make_legend(two, 320, 240),
             c = make_legend(many, 320, 240);
  EXPECT_GT(a.width, 40);
  EXPECT_GT(b.height, a.height);
  EXPECT_LE(b.width, 320);
  EXPECT_LE(c.height, 125);
  EXPECT_EQ(make_legend(one, 20, 240).width, 0);
  EXPECT_EQ(make_legend({}, 320, 240).width, 0);
}

TEST(LegendTest, ShowsEachObjectsColour) {
  const std::vector<std::string> labels = {"green", "magenta"};
  const auto legend = make_legend(labels, 640, 480);
  int green = 0, magenta = 0;
  for (size_t i = 0; i < legend.pixels.size(); i += 4) {
    const uint8_t* p = legend.pixels.data() + i;
    green += p[0] == 0 && p[1] == 128 && p[2] == 0;
    magenta += p[0] == 255 && p[1] == 0 && p[2] == 255;
  }
  EXPECT_GT(green, 50);
  EXPECT_GT(magenta, 50);
}

TEST(OverlayWriterTest, TintsWhereTheMaskIsAndKeepsSoundSizeAndFrames) {
  const TempDir dir;
  ffmpeg("-f lavfi -i sine=d=2 -c:a aac " + dir / "tone.m4a");
  const std::vector<std::string> labels = {"the first", "the second"};
  {
    OverlayWriter writer(dir / "overlay.mp4", 320, 240, labels, {.sound = dir / "tone.m4a"});
    for (int i = 0; i < 25; ++i) {
      const std::vector<Mask> masks = {square(320, 240, 140, 200),
                                       i < 10 ? Mask() : square(320, 240, 205, 235)};
      writer.write(grey(320, 240), masks, i / 25.0);
    }
    writer.finish();
  }
  const auto video = media::open_video(dir / "overlay.mp4");
  EXPECT_EQ(video->frame_count(), 25);
  EXPECT_TRUE(media::has_audio(dir / "overlay.mp4"));
  const auto frame = video->frame(20);
  const auto pixel = [&](int x, int y) { return frame->row(y) + static_cast<ptrdiff_t>(x) * 3; };
  EXPECT_LT(pixel(170, 170)[0], 100) << "green takes red away";
  EXPECT_GT(pixel(220, 220)[0], pixel(220, 220)[1] + 40) << "magenta";
  EXPECT_NEAR(pixel(280, 100)[1], 128, 6) << "untouched";
  EXPECT_NEAR(video->frame(5)->row(220)[220 * 3], 128, 6) << "the second object is not there yet";
  OverlayWriter writer(dir / "other.mp4", 320, 240, labels);
  EXPECT_THROW(writer.write(grey(320, 240), std::vector<Mask>{Mask(3, 3)}, 0), Error);
}

}  // namespace
}  // namespace alref::outputs
