// SPDX-License-Identifier: Apache-2.0
#include "eval/rvos_score.h"

#include "alref/error.h"

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include "datasets/rvos_results.h"
#include "metrics/davis.h"

namespace alref::eval {
namespace {

using datasets::LabelTrack;
using datasets::RvosDataset;
using datasets::RvosExpression;
using datasets::RvosLayout;
using datasets::RvosResults;
using datasets::RvosVideo;
using Json = nlohmann::json;

constexpr int kAnnotators = 4;
constexpr uint8_t kIgnoredLabel = 255;

bool all_empty(const std::vector<Mask>& masks) {
  return std::all_of(masks.begin(), masks.end(), [](const Mask& mask) { return mask.area() == 0; });
}

ScoredExpression score_expression(const RvosDataset& dataset, const RvosResults& results,
                                  const RvosVideo& video, const RvosExpression& expression) {
  ScoredExpression scored{
      .video = video.name, .expression = expression.id, .text = expression.text};
  scored.refers_to_something = !expression.objects.empty();
  if (!std::filesystem::is_directory(results.folder(video, expression))) return scored;
  const std::vector<Mask> predicted = results.read(video, expression);
  const metrics::TrackScores track =
      metrics::score_track(predicted, dataset.truth(video, expression));
  scored.j = track.mean_j();
  scored.f = track.mean_f();
  scored.answered_empty = all_empty(predicted);
  return scored;
}

uint8_t highest_label(const LabelTrack& track, size_t frames) {
  uint8_t highest = 0;
  for (size_t i = 0; i < std::min(frames, track.frames.size()); ++i) {
    for (uint8_t label : track.frames[i]) {
      if (label != kIgnoredLabel) highest = std::max(highest, label);
    }
  }
  return highest;
}

std::vector<std::vector<Mask>> tracks_of(const LabelTrack& labels, int objects) {
  std::vector<std::vector<Mask>> tracks;
  for (int object = 1; object <= objects; ++object) {
    tracks.push_back(labels.masks_of(static_cast<uint8_t>(object)));
  }
  return tracks;
}

// Every object of one video as one annotator describes it (davis2017-evaluation, evaluation.py).
std::vector<ScoredExpression> score_annotator(const RvosDataset& dataset,
                                              const RvosResults& results, const RvosVideo& video,
                                              int annotator, DavisTask task) {
  const LabelTrack truth_labels = dataset.truth_labels(video);
  const int objects =
      highest_label(truth_labels, 1);  // the first frame's, as the official code counts them
  std::vector<std::vector<Mask>> truth = tracks_of(truth_labels, objects);
  std::vector<metrics::TrackScores> scores;
  if (!std::filesystem::is_directory(results.folder(video, annotator))) {
    const std::vector<double> zeros(video.frames.size(), 0.0);
    scores.assign(truth.size(), metrics::TrackScores{.j = zeros, .f = zeros});
  } else {
    const LabelTrack labels = results.read(video, annotator);
    std::vector<std::vector<Mask>> predicted =
        tracks_of(labels, highest_label(labels, labels.frames.size()));
    if (task == DavisTask::kUnsupervised) {
      scores =
          metrics::score_matched_tracks(predicted, truth, truth_labels.masks_of(kIgnoredLabel));
    } else {
      if (predicted.size() > truth.size()) {
        throw Error(ErrorKind::kInput, results.folder(video, annotator).string() +
                                           ": expected at most " + std::to_string(truth.size()) +
                                           " objects, got " + std::to_string(predicted.size()));
      }
      for (size_t i = 0; i < truth.size(); ++i) {
        std::vector<Mask> inner(truth[i].begin() + 1, truth[i].end() - 1);
        std::vector<Mask> found(inner.size(), Mask(truth_labels.width, truth_labels.height));
        if (i < predicted.size()) found.assign(predicted[i].begin() + 1, predicted[i].end() - 1);
        scores.push_back(metrics::score_track(found, inner));
      }
    }
  }
  std::vector<ScoredExpression> scored;
  for (size_t i = 0; i < scores.size(); ++i) {
    const std::string id = std::to_string(kAnnotators * static_cast<int>(i) + annotator);
    ScoredExpression& entry = scored.emplace_back();
    entry.video = video.name;
    entry.expression = id;
    for (const RvosExpression& expression : video.expressions) {
      if (expression.id == id) entry.text = expression.text;
    }
    entry.j = scores[i].mean_j();
    entry.f = scores[i].mean_f();
    entry.attributes["annotator"] = std::to_string(annotator);
  }
  return scored;
}

std::string attribute_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void add_attributes(RvosScore& score, const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorKind::kInput, file.string() + ": cannot be read");
  try {
    const Json clips = Json::parse(in).at("videos");
    for (ScoredExpression& scored : score.expressions) {
      if (!clips.contains(scored.video)) continue;
      const Json& clip = clips[scored.video];
      for (const char* name : {"hidden", "enters_or_leaves"}) {
        if (clip.contains(name)) scored.attributes[name] = attribute_text(clip[name]);
      }
      const Json expression = clip.at("expressions").value(scored.expression, Json::object());
      for (const char* name : {"category", "contested"}) {
        if (expression.contains(name)) scored.attributes[name] = attribute_text(expression[name]);
      }
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
  }
}

class MeanOf {
 public:
  void add(const ScoredExpression& scored) {
    ++mean_.expressions;
    j_sum_ += scored.j;
    f_sum_ += scored.f;
  }
  MeanScore result() const {
    MeanScore mean = mean_;
    if (mean.expressions > 0) {
      mean.j = j_sum_ / mean.expressions;
      mean.f = f_sum_ / mean.expressions;
    }
    return mean;
  }

 private:
  MeanScore mean_;
  double j_sum_ = 0;
  double f_sum_ = 0;
};

}  // namespace

MeanScore RvosScore::overall() const {
  MeanOf mean;
  for (const ScoredExpression& scored : expressions) {
    if (scored.refers_to_something) mean.add(scored);
  }
  return mean.result();
}

std::map<std::pair<std::string, std::string>, MeanScore> RvosScore::by_attribute() const {
  std::map<std::pair<std::string, std::string>, MeanOf> groups;
  for (const ScoredExpression& scored : expressions) {
    if (!scored.refers_to_something) continue;
    for (const auto& attribute : scored.attributes) groups[attribute].add(scored);
  }
  std::map<std::pair<std::string, std::string>, MeanScore> means;
  for (const auto& [attribute, group] : groups) means[attribute] = group.result();
  return means;
}

int RvosScore::expressions_about_nothing() const {
  return static_cast<int>(
      std::count_if(expressions.begin(), expressions.end(),
                    [](const ScoredExpression& e) { return !e.refers_to_something; }));
}

double RvosScore::rightly_empty() const {
  const auto right = std::count_if(
      expressions.begin(), expressions.end(),
      [](const ScoredExpression& e) { return !e.refers_to_something && e.answered_empty; });
  const int about_nothing = expressions_about_nothing();
  return about_nothing == 0 ? 0 : static_cast<double>(right) / about_nothing;
}

RvosScore score_rvos(const RvosDataset& dataset, const std::filesystem::path& out,
                     const RvosScoreOptions& options) {
  if (!dataset.has_truth()) {
    throw Error(ErrorKind::kInput,
                "the data set holds no true masks; its results can only be scored by its server");
  }
  const RvosResults results(dataset.layout(), out);
  RvosScore score;
  int done = 0;
  for (const RvosVideo& video : dataset.videos()) {
    if (dataset.layout() == RvosLayout::kRefDavis17) {
      for (int annotator = 0; annotator < kAnnotators; ++annotator) {
        const auto scored = score_annotator(dataset, results, video, annotator, options.task);
        score.expressions.insert(score.expressions.end(), scored.begin(), scored.end());
      }
    } else {
      for (const RvosExpression& expression : video.expressions) {
        score.expressions.push_back(score_expression(dataset, results, video, expression));
      }
    }
    if (options.progress) options.progress(++done, static_cast<int>(dataset.videos().size()));
  }
  if (!options.attributes.empty()) add_attributes(score, options.attributes);
  return score;
}

}  // namespace alref::eval
