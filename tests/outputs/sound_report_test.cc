// SPDX-License-Identifier: Apache-2.0
#include "outputs/report/sound_report.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace alref::outputs {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// Four seconds: a dog in the first two, a "<cat>" in the second and the fourth; then silence.
ReportedSound a_run() {
  ReportedSound run;
  run.video = "pets & co.mp4";
  run.width = 64;
  run.height = 48;
  run.frame_rate = 2;
  AvResult& r = run.result;
  r.labels = {{"dog", 17}, {"<cat>", 12}};
  r.active = {{0}, {0, 1}, {}, {1}};
  r.moment_of = {0, 0, 1, 1, 2, 2, 3, 3};
  r.mask_areas = {{9, 9, 9, 9, 0, 0, 0, 0}, {0, 0, 4, 4, 0, 0, 4, 4}};
  r.peaks.assign(40, 0.25f);
  r.windows.resize(2);
  r.windows[0] = {.index = 0, .first_moment = 0, .moments = 3, .frames = {1, 3, 5}};
  r.windows[0].tags = {{"/m/0bt9lr", "Dog", 0.75f}};
  r.windows[0].objects = {{.label = 0, .pivot_frame = 3, .boxes = {{.box = {1, 2, 30, 40}}}}};
  r.windows[0].objects[0].pivot_box = 0;
  r.windows[1] = {.index = 1, .first_moment = 3, .moments = 1, .frames = {7}, .silent = true};
  return run;
}

TEST(SoundReportTest, JsonSaysWhoSoundsWhen) {
  const json report = json::parse(sound_report_json(a_run()));
  EXPECT_EQ(report["labels_by_moment"],
            json({{"dog"}, {"dog", "<cat>"}, json::array(), {"<cat>"}}));
  EXPECT_EQ(report["labels"][0], json({{"name", "dog"}, {"class", "dog"}, {"class_index", 17}}));
  EXPECT_EQ(report["windows"][0]["objects"][0]["pivot_frame"], 3);
  EXPECT_EQ(report["windows"][0]["tags"][0]["probability"], 0.75);
  EXPECT_EQ(report["windows"][1]["silent"], true);
  EXPECT_EQ(report["waveform_peaks"].size(), 40U);
  EXPECT_EQ(report["video"]["frames"], 8);
}

TEST(SoundReportTest, HtmlShowsTimelineAndEscapesNames) {
  const std::string html = sound_report_html(a_run());
  EXPECT_THAT(html, HasSubstr("&lt;cat&gt; (class cat)"));
  EXPECT_THAT(html, Not(HasSubstr("<cat>")));
  EXPECT_THAT(html, HasSubstr("pets &amp; co.mp4"));
  EXPECT_THAT(html, HasSubstr("No sound."));
}

// The dog sounds in one piece of two seconds of four, the cat in two pieces of one.
TEST(SoundReportTest, TimelineDrawsEachPieceOnce) {
  const std::string svg = label_timeline_svg(a_run().result, 400);
  EXPECT_THAT(svg, HasSubstr("<rect x=\"0.0\" y=\"82\" width=\"200.0\""));
  EXPECT_THAT(svg, HasSubstr("<rect x=\"100.0\" y=\"102\" width=\"100.0\""));
  EXPECT_THAT(svg, HasSubstr("<rect x=\"300.0\" y=\"102\" width=\"100.0\""));
}

TEST(SoundReportTest, NothingHeardIsSaid) {
  ReportedSound run = a_run();
  run.result.labels.clear();
  run.result.windows.clear();
  run.result.active.assign(4, {});
  EXPECT_THAT(sound_report_html(run), HasSubstr("Nothing that sounds was found"));
}

}  // namespace
}  // namespace alref::outputs
