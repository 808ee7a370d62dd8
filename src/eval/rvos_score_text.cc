// SPDX-License-Identifier: Apache-2.0
// How a score is shown: a table for the terminal, JSON for programs, a bar chart.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "eval/rvos_score.h"

namespace alref::eval {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBarHeight = 22;
constexpr int kBarGap = 8;
constexpr int kLabelWidth = 230;
constexpr int kFullWidth = 460;  // of a bar at 100
constexpr int kTop = 48;

template <typename... Args>
std::string format(const char* pattern, Args... args) {
  char text[256];
  std::snprintf(text, sizeof(text), pattern, args...);
  return text;
}

std::string row(const std::string& name, const MeanScore& score) {
  return format("%-32s %6d %7.2f %7.2f %7.2f\n", name.c_str(), score.expressions, 100 * score.j,
                100 * score.f, 100 * score.j_and_f());
}

Json numbers(const MeanScore& score) {
  return {
      {"expressions", score.expressions}, {"J", score.j}, {"F", score.f}, {"J&F", score.j_and_f()}};
}

std::string xml(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string table(const RvosScore& score) {
  std::string text = format("%-32s %6s %7s %7s %7s\n", "", "count", "J", "F", "J&F");
  for (const auto& [attribute, mean] : score.by_attribute()) {
    text += row(attribute.first + " = " + attribute.second, mean);
  }
  text += row("overall", score.overall());
  if (const int nothing = score.expressions_about_nothing()) {
    text += format("%-32s %6d %6.2f %% answered empty\n", "about nothing in the video", nothing,
                   100 * score.rightly_empty());
  }
  return text;
}

std::string json(const RvosScore& score) {
  Json by_attribute = Json::object();
  for (const auto& [attribute, mean] : score.by_attribute()) {
    by_attribute[attribute.first][attribute.second] = numbers(mean);
  }
  Json expressions = Json::array();
  for (const ScoredExpression& e : score.expressions) {
    expressions.push_back({{"video", e.video},
                           {"expression", e.expression},
                           {"text", e.text},
                           {"J", e.j},
                           {"F", e.f},
                           {"refers_to_something", e.refers_to_something},
                           {"answered_empty", e.answered_empty},
                           {"attributes", e.attributes}});
  }
  return Json{{"overall", numbers(score.overall())},
              {"about_nothing",
               {{"expressions", score.expressions_about_nothing()},
                {"rightly_empty", score.rightly_empty()}}},
              {"by_attribute", by_attribute},
              {"expressions", expressions}}
             .dump(1) +
         "\n";
}

std::string chart(const RvosScore& score, const std::string& title) {
  std::vector<std::pair<std::string, MeanScore>> bars;
  for (const auto& [attribute, mean] : score.by_attribute()) {
    bars.emplace_back(attribute.first + " = " + attribute.second, mean);
  }
  bars.emplace_back("overall", score.overall());
  const int height = kTop + static_cast<int>(bars.size()) * (kBarHeight + kBarGap) + 16;
  std::string svg = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
      "font-family=\"sans-serif\" "
      "font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      kLabelWidth + kFullWidth + 80, height);
  svg += "<text x=\"16\" y=\"28\" font-size=\"16\" font-weight=\"bold\">" + xml(title) +
         ": J&amp;F</text>\n";
  int y = kTop;
  for (const auto& [name, mean] : bars) {
    const double value = 100 * mean.j_and_f();
    const char* colour = name == "overall" ? "#1f5fa8" : "#7fb2e5";
    svg += format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", kLabelWidth - 8, y + 16) +
           xml(name) + "</text>\n";
    svg += format("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
                  kLabelWidth, y, value / 100 * kFullWidth, kBarHeight, colour);
    svg += format("<text x=\"%.1f\" y=\"%d\">%.1f</text>\n",
                  kLabelWidth + value / 100 * kFullWidth + 6, y + 16, value);
    y += kBarHeight + kBarGap;
  }
  return svg + "</svg>\n";
}

}  // namespace alref::eval
