// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/ref_segmenter.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

// What a run did and why, for programs (report.json) and for people (report.html).
namespace alref::outputs {

struct ReportedRun {
  std::string video;  ///< its name, without folders
  int width = 0;
  int height = 0;
  double frame_rate = 0;
  int frames = 0;
  std::vector<RefResult> results;

  /// What may differ between runs that give the same masks.
  std::string version;
  std::string reasoner;
  std::vector<std::pair<std::string, std::string>> models;  ///< role and file name
  RefCosts costs;
  double output_seconds = 0;
  double total_seconds = 0;
};

/// JSON, indented. All that depends on video, sentences, models and answers comes first and is the
/// same for the same of those; versions, times and costs stand in "run".
std::string report_json(const ReportedRun& run);

/// One HTML file that refers to nothing outside itself: strips, questions, answers, boxes, pivots,
/// a timeline of mask areas and scores, time and cost by stage.
std::string report_html(const ReportedRun& run);

/// An SVG of a sentence's mask areas (as a share of the frame) and object scores (as probabilities)
/// over the frames, with its pivots. At most `width` points are drawn, the largest of those that
/// fall together.
std::string timeline_svg(const RefResult& result, int frame_pixels, int width = 900,
                         int height = 120);

/// The five characters that mean something in HTML, as entities; control characters as blanks.
std::string escape_html(std::string_view text);

}  // namespace alref::outputs
