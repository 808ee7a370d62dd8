// SPDX-License-Identifier: Apache-2.0
#include "metrics/davis.h"

#include "alref/error.h"

#include <cmath>
#include <numeric>
#include <string>

#include "metrics/assignment.h"
#include "metrics/boundary.h"

namespace alref::metrics {
namespace {

constexpr double kBoundaryTolerance = 0.008;  // of the image's diagonal
constexpr size_t kMaxProposals = 20;

void require_one_size(const Mask& a, const Mask& b) {
  if (a.width == b.width && a.height == b.height) return;
  throw Error(ErrorKind::kInput, "masks differ in size: expected " + std::to_string(b.width) +
                                     " x " + std::to_string(b.height) + ", got " +
                                     std::to_string(a.width) + " x " + std::to_string(a.height));
}

Mask without(const Mask& mask, const Mask* ignored) {
  if (!ignored) return mask;
  require_one_size(mask, *ignored);
  Mask rest = mask;
  for (size_t i = 0; i < rest.pixels.size(); ++i) {
    if (ignored->pixels[i]) rest.pixels[i] = 0;
  }
  return rest;
}

size_t common_pixels(const Mask& a, const Mask& b) {
  size_t count = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) count += a.pixels[i] && b.pixels[i];
  return count;
}

double average(const std::vector<double>& values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

}  // namespace

double region_similarity(const Mask& predicted, const Mask& truth, const Mask* ignored) {
  require_one_size(predicted, truth);
  if (ignored) require_one_size(*ignored, truth);
  size_t both = 0, either = 0;
  for (size_t i = 0; i < truth.pixels.size(); ++i) {
    if (ignored && ignored->pixels[i]) continue;
    both += predicted.pixels[i] && truth.pixels[i];
    either += predicted.pixels[i] || truth.pixels[i];
  }
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

double boundary_accuracy(const Mask& predicted, const Mask& truth, const Mask* ignored) {
  require_one_size(predicted, truth);
  const int radius =
      static_cast<int>(std::ceil(kBoundaryTolerance * std::hypot(truth.width, truth.height)));
  const Mask found = boundary_of(without(predicted, ignored));
  const Mask wanted = boundary_of(without(truth, ignored));
  const size_t found_pixels = found.area(), wanted_pixels = wanted.area();
  if (found_pixels == 0 && wanted_pixels == 0) return 1;
  if (found_pixels == 0 || wanted_pixels == 0) return 0;
  const double precision =
      static_cast<double>(common_pixels(found, dilate_by_disk(wanted, radius))) /
      static_cast<double>(found_pixels);
  const double recall = static_cast<double>(common_pixels(wanted, dilate_by_disk(found, radius))) /
                        static_cast<double>(wanted_pixels);
  return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
}

double TrackScores::mean_j() const { return average(j); }

double TrackScores::mean_f() const { return average(f); }

TrackScores score_track(std::span<const Mask> predicted, std::span<const Mask> truth,
                        std::span<const Mask> ignored) {
  if (predicted.size() != truth.size()) {
    throw Error(ErrorKind::kInput, "a track has " + std::to_string(predicted.size()) +
                                       " frames, expected " + std::to_string(truth.size()));
  }
  TrackScores scores;
  for (size_t i = 0; i < truth.size(); ++i) {
    const Mask* skip = ignored.empty() ? nullptr : &ignored[i];
    scores.j.push_back(region_similarity(predicted[i], truth[i], skip));
    scores.f.push_back(boundary_accuracy(predicted[i], truth[i], skip));
  }
  return scores;
}

std::vector<TrackScores> score_matched_tracks(std::span<const std::vector<Mask>> predicted,
                                              std::span<const std::vector<Mask>> truth,
                                              std::span<const Mask> ignored) {
  if (predicted.size() > kMaxProposals) {
    throw Error(ErrorKind::kInput, "expected at most " + std::to_string(kMaxProposals) +
                                       " predicted objects, got " +
                                       std::to_string(predicted.size()));
  }
  std::vector<std::vector<Mask>> rows(predicted.begin(), predicted.end());
  while (rows.size() < truth.size()) {
    std::vector<Mask>& empty = rows.emplace_back();
    for (const Mask& mask : truth[0]) empty.emplace_back(mask.width, mask.height);
  }
  std::vector<std::vector<TrackScores>> scores(rows.size());
  std::vector<std::vector<double>> means(rows.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (const std::vector<Mask>& object : truth) {
      scores[r].push_back(score_track(rows[r], object, ignored));
      means[r].push_back(scores[r].back().mean());
    }
  }
  std::vector<TrackScores> matched;
  const std::vector<int> partner = best_assignment(means);
  for (size_t t = 0; t < partner.size(); ++t)
    matched.push_back(scores[static_cast<size_t>(partner[t])][t]);
  return matched;
}

}  // namespace alref::metrics
