// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/av_segmenter.h"

#include <string>
#include <utility>
#include <vector>

// What `alref listen` heard, saw and why, for programs (report.json) and for people (report.html).
namespace alref::outputs {

struct ReportedSound {
  std::string video;      ///< its name, without folders
  std::string reference;  ///< name of the recording whose sources were looked for; empty: the
                          ///< video's own sound
  int width = 0;
  int height = 0;
  double frame_rate = 0;
  AvResult result;

  /// What may differ between runs that give the same masks.
  std::string version;
  std::string reasoner;
  std::vector<std::pair<std::string, std::string>> models;  ///< role and file name
  AvCosts costs;
  double sentence_seconds = 0;  ///< all stages of the sentences asked in the same run
  double output_seconds = 0;
  double total_seconds = 0;
};

std::string sound_report_json(const ReportedSound& run);

/// One HTML file that refers to nothing outside itself: waveform and timeline of the labels, tags,
/// frames, questions, answers, boxes, time and cost by stage.
std::string sound_report_html(const ReportedSound& run);

/// An SVG of the waveform with a line a label below it, drawn where the label sounds.
std::string label_timeline_svg(const AvResult& result, int width = 900);

}  // namespace alref::outputs
