// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base64.h"
#include "outputs/report/report.h"

namespace alref::outputs {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.5em} h2{font-size:1.2em;margin-top:2.5em;border-top:1px solid #ccc;padding-top:1em}
table{border-collapse:collapse;margin:.5em 0} th,td{padding:.15em .8em .15em 0;text-align:left;vertical-align:top}
th{font-weight:600;color:#555} td.n{text-align:right;font-variant-numeric:tabular-nums}
.clip{display:flex;gap:1em;margin:1.5em 0} .clip img{width:220px;align-self:flex-start;border:1px solid #ccc}
.clip>div{flex:1;min-width:0} pre{white-space:pre-wrap;background:#f5f5f3;padding:.6em;margin:.4em 0}
.chosen{font-weight:600} svg{width:100%;height:auto} .note{color:#777}
</style>
)";

std::string format(const char* pattern, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

std::string cell(const std::string& text) { return "<td>" + text + "</td>"; }
std::string number_cell(const char* pattern, double value) {
  return "<td class=n>" + format(pattern, value) + "</td>";
}

std::string seconds_row(const char* name, double seconds, double total) {
  return "<tr>" + cell(name) + number_cell("%.2f s", seconds) +
         number_cell("%.1f %%", total > 0 ? 100 * seconds / total : 0) + "</tr>\n";
}

std::string box_text(const Box& b) {
  return format("%.0f", b.x0) + ", " + format("%.0f", b.y0) + " – " + format("%.0f", b.x1) + ", " +
         format("%.0f", b.y1);
}

std::string boxes_table(const RefClip& clip) {
  if (clip.boxes.empty()) return {};
  std::string html = "<table><tr><th>box<th>phrase<th>score<th>place</tr>\n";
  for (size_t i = 0; i < clip.boxes.size(); ++i) {
    const Detection& d = clip.boxes[i];
    const bool chosen = clip.pivot_box && static_cast<size_t>(*clip.pivot_box) == i;
    html += std::string("<tr") + (chosen ? " class=chosen" : "") + ">" +
            number_cell("%.0f", static_cast<double>(i + 1)) + cell(escape_html(d.phrase)) +
            number_cell("%.3f", d.score) + cell(box_text(d.box)) + "</tr>\n";
  }
  return html + "</table>\n";
}

std::string exchange(const char* title, const std::string& question, const std::string& reply) {
  if (reply.empty() && question.empty()) return {};
  std::string html;
  if (!question.empty()) {
    html += std::string("<details><summary>") + title + ": question</summary><pre>" +
            escape_html(question) + "</pre></details>\n";
  }
  return html + "<details open><summary>" + title + ": answer</summary><pre>" + escape_html(reply) +
         "</pre></details>\n";
}

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
  html += boxes_table(clip) + exchange("Frame", clip.frame_question, clip.frame_reply) +
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
          seconds_row("all", run.total_seconds, run.total_seconds);
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

/// The largest value of each of at most `width` spans of the series.
std::vector<double> thinned(const std::vector<double>& values, size_t width) {
  if (values.size() <= width) return values;
  std::vector<double> out(width);
  for (size_t i = 0; i < width; ++i) {
    const size_t from = i * values.size() / width, to = (i + 1) * values.size() / width;
    out[i] = *std::max_element(values.begin() + static_cast<std::ptrdiff_t>(from),
                               values.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return out;
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

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' && c != '\n' ? ' ' : c;
    }
  }
  return out;
}

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
  std::string html(kHead);
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
