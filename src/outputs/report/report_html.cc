// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base64.h"
#include "outputs/report/html.h"
#include "outputs/report/report.h"

namespace alref::outputs {
namespace {

std::string clip_section(const RefClip& clip) {
  std::string html = "<div class=clip>";
  if (!clip.strip_jpeg.empty()) {
    html += "<img alt=\"frames of the clip\" src=\"data:image/jpeg;base64," +
            base64(clip.strip_jpeg) + "\">";
  }
  html += "<div><b>Clip " + std::to_string(clip.index) + "</b>, frames " +
          std::to_string(clip.frames.front()) + " to " + std::to_string(clip.frames.back()) + ": ";
  html += clip.pivot_frame ? "pivot frame " + std::to_string(*clip.pivot_frame) : "no pivot frame";
  html += clip.pivot_box ? ", box " + std::to_string(*clip.pivot_box + 1) + "\n"
                         : std::string(", no box\n");
  html += boxes_table(clip.boxes, clip.pivot_box) +
          exchange("Frame", clip.frame_question, clip.frame_reply) +
          exchange("Box", clip.box_question, clip.box_reply);
  return html + "</div></div>\n";
}

std::string sentence_section(const RefResult& result, size_t number, int frame_pixels) {
  std::string html =
      "<h2>" + std::to_string(number) + ": “" + escape_html(result.text) + "”</h2>\n<p>";
  if (result.pivots.empty()) {
    html += "Refers to nothing in the video: all masks are empty.";
  } else if (result.fallback) {
    html += "No clip gave a pivot; masks start from the detector's best box on frame 0.";
  } else {
    html += "Masks start from frame " + std::to_string(result.start) + " and go both ways; " +
            std::to_string(result.pivots.size()) + " pivot frame(s).";
  }
  html += " The detector was asked for “" + escape_html(result.caption) + "”.</p>\n";
  html += timeline_svg(result, frame_pixels);
  for (const RefClip& clip : result.clips) html += clip_section(clip);
  return html;
}

std::string costs_section(const ReportedRun& run) {
  const RefCosts& c = run.costs;
  std::string html = "<h2>Time and cost</h2>\n<table>\n";
  html += seconds_row("choosing pivots", c.reasoning_seconds, run.total_seconds) +
          seconds_row("detector", c.detector_seconds, run.total_seconds) +
          seconds_row("prompt masks", c.prompting_seconds, run.total_seconds) +
          seconds_row("masks, forwards", c.forward_seconds, run.total_seconds) +
          seconds_row("masks, in reverse", c.reverse_seconds, run.total_seconds) +
          seconds_row("outputs", run.output_seconds, run.total_seconds) +
          seconds_row("all", run.total_seconds, run.total_seconds) +
          seconds_row("of it in networks", c.network_seconds, run.total_seconds);
  html += "</table>\n<p>" + std::to_string(c.detector_runs) + " images through the detector, " +
          std::to_string(c.encoder_runs) + " through SAM 2's encoder.";
  if (c.requests + c.cached_answers > 0) {
    html += " Questions: " + std::to_string(c.requests) + " requests, " +
            std::to_string(c.cached_answers) + " answers known already, " +
            std::to_string(c.prompt_tokens) + " + " + std::to_string(c.completion_tokens) +
            " tokens, cost " + format("%.4f", c.money) + ".";
  }
  html += "</p>\n<p class=note>alref " + escape_html(run.version) + ", reasoner " +
          escape_html(run.reasoner);
  for (const auto& [role, file] : run.models)
    html += ", " + escape_html(role) + " " + escape_html(file);
  return html + "</p>\n";
}

/// "x,y x,y ..." of a series in [0, 1] within a frame of width x height.
std::string points(const std::vector<double>& values, int width, int height) {
  std::string text;
  const double step =
      values.size() > 1 ? static_cast<double>(width) / static_cast<double>(values.size() - 1) : 0;
  for (size_t i = 0; i < values.size(); ++i) {
    text += format("%.1f", step * static_cast<double>(i)) + "," +
            format("%.1f ", height * (1 - values[i]));
  }
  return text;
}

}  // namespace

std::string timeline_svg(const RefResult& result, int frame_pixels, int width, int height) {
  std::vector<double> areas, scores;
  double largest = 1e-9;
  for (const size_t area : result.mask_areas) {
    areas.push_back(static_cast<double>(area) / std::max(frame_pixels, 1));
    largest = std::max(largest, areas.back());
  }
  for (double& area : areas) area /= largest;
  for (const float score : result.object_scores)
    scores.push_back(1 / (1 + std::exp(-static_cast<double>(score))));
  const auto columns = static_cast<size_t>(width);
  std::string svg =
      "<svg viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height + 18) +
      "\" font-size=\"12\" role=\"img\" aria-label=\"mask area and score by frame\">\n";
  svg += "<polygon fill=\"#9fc5e8\" points=\"0," + std::to_string(height) + " " +
         points(thinned(areas, columns), width, height) + std::to_string(width) + "," +
         std::to_string(height) + "\"/>\n";
  svg += "<polyline fill=\"none\" stroke=\"#b45f06\" points=\"" +
         points(thinned(scores, columns), width, height) + "\"/>\n";
  const double last = std::max<double>(1, static_cast<double>(result.mask_areas.size()) - 1);
  for (const RefPivot& pivot : result.pivots) {
    const std::string x = format("%.1f", width * pivot.frame / last);
    svg += "<line x1=\"" + x + "\" x2=\"" + x + "\" y1=\"0\" y2=\"" + std::to_string(height) +
           "\" stroke=\"#38761d\" stroke-width=\"2\"/>\n";
  }
  svg += "<text y=\"" + std::to_string(height + 14) + "\">area (blue, at most " +
         format("%.1f", 100 * largest) +
         " % of the frame), probability of being visible (brown), pivots (green); frames 0 to " +
         std::to_string(result.mask_areas.empty() ? 0 : result.mask_areas.size() - 1) + "</text>\n";
  return svg + "</svg>\n";
}

std::string report_html(const ReportedRun& run) {
  std::string html(kHtmlHead);
  html += "<title>" + escape_html(run.video) + " – alref</title></head><body>\n<h1>" +
          escape_html(run.video) + "</h1>\n<p>" + std::to_string(run.frames) + " frames of " +
          std::to_string(run.width) + " × " + std::to_string(run.height) + " pixels, " +
          format("%.2f", run.frame_rate) + " a second.</p>\n";
  for (size_t i = 0; i < run.results.size(); ++i) {
    html += sentence_section(run.results[i], i, run.width * run.height);
  }
  return html + costs_section(run) + "</body></html>\n";
}

}  // namespace alref::outputs
