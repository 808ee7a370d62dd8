// SPDX-License-Identifier: Apache-2.0
#include "outputs/report/html.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "outputs/report/report.h"

namespace alref::outputs {

const std::string_view kHtmlHead = R"(<!DOCTYPE html>
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

static std::string box_text(const Box& b) {
  return format("%.0f", b.x0) + ", " + format("%.0f", b.y0) + " – " + format("%.0f", b.x1) + ", " +
         format("%.0f", b.y1);
}

std::string boxes_table(const std::vector<Detection>& boxes, std::optional<int> chosen_box) {
  if (boxes.empty()) return {};
  std::string html = "<table><tr><th>box<th>phrase<th>score<th>place</tr>\n";
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Detection& d = boxes[i];
    const bool chosen = chosen_box && static_cast<size_t>(*chosen_box) == i;
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

}  // namespace alref::outputs
