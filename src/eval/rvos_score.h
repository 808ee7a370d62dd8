// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "datasets/rvos_dataset.h"

namespace alref::eval {

/// Ref-DAVIS17's two protocols: ReferFormer's evaluation matches objects freely (swapped identities
/// are forgiven); the other one keeps identities and leaves the first and the last frame out. Other
/// data sets have one protocol.
enum class DavisTask { kUnsupervised, kSemiSupervised };

/// One expression's score; in Ref-DAVIS17 one object's for one annotator.
struct ScoredExpression {
  std::string video;
  std::string expression;
  std::string text;
  double j = 0;
  double f = 0;
  bool refers_to_something = true;
  bool answered_empty = false;                    ///< no pixel in any frame
  std::map<std::string, std::string> attributes;  ///< such as category -> motion

  double j_and_f() const { return (j + f) / 2; }
};

struct MeanScore {
  int expressions = 0;
  double j = 0;
  double f = 0;

  double j_and_f() const { return (j + f) / 2; }
};

struct RvosScore {
  std::vector<ScoredExpression> expressions;

  /// Over all expressions that refer to something.
  MeanScore overall() const;
  /// The same for each value of each attribute: {"category", "motion"} -> score.
  std::map<std::pair<std::string, std::string>, MeanScore> by_attribute() const;
  int expressions_about_nothing() const;
  /// Share of the expressions about nothing that were answered with empty masks; 0 where there are
  /// none.
  double rightly_empty() const;
};

struct RvosScoreOptions {
  DavisTask task = DavisTask::kUnsupervised;
  /// StampBench's stampbench.json, for attributes; empty: none.
  std::filesystem::path attributes;
  std::function<void(int done, int total)> progress;
};

/// Scores the results in `out` (datasets/rvos_results.h) as the benchmark's own evaluator does: J
/// and F averaged over all frames of a video, then over the expressions. An expression without
/// results scores 0. Throws Error(kInput): the data set has no truth, or results are damaged.
RvosScore score_rvos(const datasets::RvosDataset& dataset, const std::filesystem::path& out,
                     const RvosScoreOptions& options = {});

/// Results and tables as text, JSON and a bar chart (SVG).
std::string table(const RvosScore& score);
std::string json(const RvosScore& score);
std::string chart(const RvosScore& score, const std::string& title);

}  // namespace alref::eval
