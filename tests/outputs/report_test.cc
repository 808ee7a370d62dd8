// SPDX-License-Identifier: Apache-2.0
#include "outputs/report/report.h"

#include <regex>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace alref::outputs {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

ReportedRun example() {
  RefResult result;
  result.text = "the dog <on> the \"left\" & more";
  result.caption = "dog";
  const Detection dog{
      .box = {1.00004f, 2, 30, 40}, .score = 0.75f, .phrase = "dog", .phrase_offset = 0};
  result.pivots = {{.frame = 10, .detection = dog, .mask_area = 500}};
  result.start = 10;
  result.clips = {{.index = 0,
                   .frames = {0, 10},
                   .frame_question = "Which frame?",
                   .frame_reply = "It is </pre><script>alert(1)</script> [2]",
                   .pivot_frame = 10,
                   .boxes = {dog},
                   .box_question = {},
                   .box_reply = "[1]",
                   .pivot_box = 0,
                   .strip_jpeg = {0xff, 0xd8, 0xff}}};
  result.mask_areas = {0, 100, 500};
  result.object_scores = {-3, 0, 8};
  ReportedRun run;
  run.video = "dog.mp4";
  run.width = 100;
  run.height = 50;
  run.frame_rate = 25;
  run.frames = 3;
  run.results = {result};
  run.version = "0.1.0";
  run.reasoner = "chat";
  run.costs.detector_seconds = 1.5;
  run.total_seconds = 3;
  return run;
}

TEST(ReportTest, JsonHoldsWhatHappened) {
  const json report = json::parse(report_json(example()));
  const json& sentence = report["sentences"][0];
  EXPECT_EQ(report["video"]["frames"], 3);
  EXPECT_EQ(sentence["pivots"][0]["frame"], 10);
  EXPECT_EQ(sentence["pivots"][0]["box"], json({1.0, 2.0, 30.0, 40.0}));
  EXPECT_EQ(sentence["clips"][0]["pivot_box"], 0);
  EXPECT_EQ(sentence["mask_areas"], json({0, 100, 500}));
  EXPECT_FALSE(sentence["refers_to_nothing"]);
}

TEST(ReportTest, WhatVariesBetweenRunsStandsInOnePart) {
  ReportedRun slow = example();
  slow.costs.detector_seconds = 100;
  slow.costs.requests = 7;
  slow.reasoner = "replay";
  slow.total_seconds = 200;
  json a = json::parse(report_json(example())), b = json::parse(report_json(slow));
  EXPECT_NE(a["run"], b["run"]);
  a.erase("run");
  b.erase("run");
  EXPECT_EQ(a, b);
}

TEST(ReportTest, InvalidUtf8IsReplaced) {
  ReportedRun run = example();
  run.results[0].clips[0].frame_reply = "\xff\xfe";
  EXPECT_NO_THROW(json::parse(report_json(run)));
}

TEST(ReportTest, HtmlIsWholeAndSafe) {
  const std::string html = report_html(example());
  EXPECT_THAT(html, HasSubstr("the dog &lt;on&gt; the &quot;left&quot; &amp; more"));
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, HasSubstr("src=\"data:image/jpeg;base64,/9j/\""));
  EXPECT_THAT(html, HasSubstr("<svg"));
  EXPECT_THAT(html, HasSubstr("Which frame?"));
  EXPECT_FALSE(std::regex_search(html, std::regex("(src|href)=\"(?!data:)")));
}

TEST(ReportTest, NothingIsSaidToBeMeant) {
  ReportedRun run = example();
  run.results[0].pivots.clear();
  EXPECT_THAT(report_html(run), HasSubstr("Refers to nothing in the video"));
  EXPECT_TRUE(json::parse(report_json(run))["sentences"][0]["refers_to_nothing"]);
}

TEST(ReportTest, TimelinesOfLongVideosAreThinned) {
  RefResult result;
  result.mask_areas.assign(100'000, 10);
  result.mask_areas[77'777] = 5000;  // must not get lost
  result.object_scores.assign(100'000, 1);
  const std::string svg = timeline_svg(result, 10'000);
  EXPECT_LT(svg.size(), 40'000u);
  EXPECT_THAT(svg, HasSubstr("at most 50.0 %"));
  EXPECT_THAT(svg, HasSubstr(",0.0 "));  // the peak reaches the top
}

TEST(ReportTest, AVideoOfOneFrameHasATimeline) {
  RefResult result;
  result.mask_areas = {5};
  result.object_scores = {2};
  EXPECT_THAT(timeline_svg(result, 10), Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace alref::outputs
