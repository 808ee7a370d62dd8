// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "core/avs_classes.h"
#include "core/base64.h"
#include "media/draw.h"
#include "outputs/report/html.h"
#include "outputs/report/report.h"
#include "outputs/report/sound_report.h"

namespace alref::outputs {
namespace {

constexpr int kWaveHeight = 80;
constexpr int kRowHeight = 20;

std::string colour_text(const media::Color& colour) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", colour.red, colour.green, colour.blue);
  return text.data();
}

std::string waveform_svg(const std::vector<float>& peaks, int width) {
  const auto heights =
      thinned({peaks.begin(), peaks.end()}, static_cast<size_t>(std::max(width, 1)));
  const double step = heights.empty() ? 0 : static_cast<double>(width) / heights.size();
  std::string path;
  for (size_t i = 0; i < heights.size(); ++i) {
    const double half = std::min(1.0, heights[i]) * kWaveHeight / 2;
    path += "M" + format("%.1f", step * (static_cast<double>(i) + 0.5)) + " " +
            format("%.1f", kWaveHeight / 2.0 - half) + "v" + format("%.1f", 2 * half);
  }
  return "<path stroke=\"#555\" stroke-width=\"" + format("%.1f", std::max(1.0, step * 0.8)) +
         "\" d=\"" + path + "\"/>\n";
}

/// The moments [begin, end) in which a label sounds.
std::vector<std::pair<size_t, size_t>> runs_of(const AvResult& result, size_t label) {
  std::vector<std::pair<size_t, size_t>> runs;
  for (size_t m = 0; m < result.active.size(); ++m) {
    if (std::ranges::find(result.active[m], label) == result.active[m].end()) continue;
    if (runs.empty() || runs.back().second != m) runs.emplace_back(m, m);
    runs.back().second = m + 1;
  }
  return runs;
}

std::string label_text(const AvLabel& label) {
  std::string text = label.name;
  if (label.class_index > 0) {
    const std::string_view name = kAvsClasses[static_cast<size_t>(label.class_index - 1)];
    if (name != label.name) text += " (class " + std::string(name) + ")";
  }
  return text;
}

std::string tags_table(const AvWindow& window) {
  if (window.tags.empty()) return {};
  std::string html = "<table><tr><th>tag<th>probability</tr>\n";
  for (const AudioTag& tag : window.tags) {
    html += "<tr>" + cell(escape_html(tag.name)) + number_cell("%.3f", tag.probability) + "</tr>\n";
  }
  return html + "</table>\n";
}

std::string window_section(const AvWindow& window, const AvResult& result) {
  const double rate = result.moments_per_second;
  std::string html = "<h2>" + format("%.1f", window.first_moment / rate) + " to " +
                     format("%.1f", (window.first_moment + window.moments) / rate) + " s</h2>\n";
  if (window.silent) return html + "<p>No sound.</p>\n";
  if (!window.strip_jpeg.empty()) {
    html +=
        "<p><img style=\"width:100%\" alt=\"frames of the window\" src=\"data:image/jpeg;base64," +
        base64(window.strip_jpeg) + "\"></p>\n";
  }
  html += tags_table(window) + exchange("Objects", window.question, window.reply);
  for (const AvObject& object : window.objects) {
    html += "<h3>" + escape_html(label_text(result.labels[object.label])) +
            "</h3>\n<p>Pivot frame " + std::to_string(object.pivot_frame) +
            (object.pivot_box ? ", box " + std::to_string(*object.pivot_box + 1)
                              : std::string(", not to be seen")) +
            ".</p>\n" + boxes_table(object.boxes, object.pivot_box) +
            exchange("Box", object.question, object.reply);
  }
  return html;
}

std::string costs_section(const ReportedSound& run) {
  const AvCosts& c = run.costs;
  const double total = run.total_seconds;
  std::string html = "<h2>Time and cost</h2>\n<table>\n";
  html += seconds_row("sound", c.sound_seconds, total) +
          seconds_row("choosing objects and boxes", c.reasoning_seconds, total) +
          seconds_row("detector", c.detector_seconds, total) +
          seconds_row("prompt masks", c.prompting_seconds, total) +
          seconds_row("masks, forwards", c.forward_seconds, total) +
          seconds_row("masks, in reverse", c.reverse_seconds, total) +
          (run.sentence_seconds > 0 ? seconds_row("sentences", run.sentence_seconds, total) : "") +
          seconds_row("outputs", run.output_seconds, total) + seconds_row("all", total, total);
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

}  // namespace

std::string label_timeline_svg(const AvResult& result, int width) {
  const int labels = static_cast<int>(result.labels.size());
  const int height = kWaveHeight + (labels + 1) * kRowHeight;
  const double per_moment =
      result.active.empty() ? 0 : static_cast<double>(width) / result.active.size();
  std::string svg = "<svg viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) +
                    "\" font-size=\"12\" role=\"img\" aria-label=\"waveform, and when each label "
                    "sounds\">\n" +
                    waveform_svg(result.peaks, width);
  for (int i = 0; i < labels; ++i) {
    const int y = kWaveHeight + i * kRowHeight;
    const std::string colour = colour_text(media::object_color(i));
    for (const auto& [begin, end] : runs_of(result, static_cast<size_t>(i))) {
      svg += "<rect x=\"" + format("%.1f", per_moment * static_cast<double>(begin)) + "\" y=\"" +
             std::to_string(y + 2) + "\" width=\"" +
             format("%.1f", per_moment * static_cast<double>(end - begin)) + "\" height=\"" +
             std::to_string(kRowHeight - 4) + "\" fill=\"" + colour + "\" fill-opacity=\"0.5\"/>\n";
    }
    svg += "<text x=\"4\" y=\"" + std::to_string(y + kRowHeight - 6) + "\">" +
           escape_html(label_text(result.labels[static_cast<size_t>(i)])) + "</text>\n";
  }
  svg += "<text y=\"" + std::to_string(height - 6) + "\">0 to " +
         format("%.1f", static_cast<double>(result.active.size()) / result.moments_per_second) +
         " s</text>\n";
  return svg + "</svg>\n";
}

std::string sound_report_html(const ReportedSound& run) {
  const AvResult& result = run.result;
  std::string html(kHtmlHead);
  html += "<title>" + escape_html(run.video) + " – alref</title></head><body>\n<h1>" +
          escape_html(run.video) + "</h1>\n<p>" + std::to_string(result.moment_of.size()) +
          " frames of " + std::to_string(run.width) + " × " + std::to_string(run.height) +
          " pixels, " + format("%.2f", run.frame_rate) + " a second.";
  if (!run.reference.empty())
    html += " What sounds like " + escape_html(run.reference) + " was looked for.";
  if (result.labels.empty()) html += " Nothing that sounds was found; all masks are empty.";
  html += "</p>\n" + label_timeline_svg(result);
  for (const AvWindow& window : result.windows) html += window_section(window, result);
  return html + costs_section(run) + "</body></html>\n";
}

}  // namespace alref::outputs
