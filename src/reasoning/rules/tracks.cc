// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/tracks.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace alref::reasoning {
namespace {

Point centre(const Box& box) { return {(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2}; }

constexpr double kHidden = 0.36;  // what a sighting of a part counts: little, but enough

/// The box moved on by the track's mean speed over its last sightings. The speed is trusted less
/// the longer the gap.
Box predict(const Track& track, int frame) {
  const auto& seen = track.sightings;
  const Sighting& last = seen.back();
  if (seen.size() < 2) return last.box;
  const Sighting& before = seen[seen.size() - std::min<size_t>(seen.size(), 3)];
  const auto elapsed = static_cast<float>(last.frame - before.frame);
  const auto ahead = std::min(static_cast<float>(frame - last.frame), 2 * elapsed);
  const Point a = centre(before.box), b = centre(last.box);
  const float dx = (b.x - a.x) / elapsed * ahead, dy = (b.y - a.y) / elapsed * ahead;
  return {last.box.x0 + dx, last.box.y0 + dy, last.box.x1 + dx, last.box.y1 + dy};
}

float common_area(const Box& a, const Box& b) {
  return Box{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)}
      .area();
}

/// A thing that goes behind another is seen in part, and whole again later: how sure it is that of
/// two boxes of very different size one shows a part of what the other shows, in [0, 1].
double part_of_the_other(const Box& a, const Box& b) {
  const double inside = common_area(a, b) / std::max(std::min(a.area(), b.area()), 1.0f);
  return inside > 0.8 ? inside : 0;
}

/// How likely a sighting continues a track, in [0, 1]; 0: out of the question.
double continuity(const Track& track, const Sighting& sighting) {
  const Box expected = predict(track, sighting.frame);
  const Box& last = track.sightings.back().box;
  const double size = std::sqrt(std::max(expected.area(), sighting.box.area()));
  const double ratio = std::sqrt(std::max(sighting.box.area(), 1.0f) / std::max(last.area(), 1.0f));
  if (ratio > 2.5 || ratio < 0.4) return kHidden * part_of_the_other(expected, sighting.box);
  const auto distance = [&](const Box& box) {
    const Point a = centre(box), b = centre(sighting.box);
    return std::hypot(a.x - b.x, a.y - b.y) / std::max(size, 1.0);
  };
  const double nearest = std::min(distance(expected), distance(last));
  const double gap = sighting.frame - track.last();
  if (nearest > 0.9 + 0.03 * gap) return 0;
  const double overlap = std::max(iou(expected, sighting.box), iou(last, sighting.box));
  const double likeness = track.colours.similarity(sighting.colours);
  return 0.45 * overlap + 0.3 * std::exp(-1.5 * nearest) + 0.25 * likeness -
         0.1 * std::abs(std::log(ratio));
}

constexpr double kLeastContinuity = 0.3;

void extend(Track& track, const Sighting& sighting) {
  track.colours.blend(sighting.colours, track.sightings.empty() ? 1 : 0.2);
  track.sightings.push_back(sighting);
}

/// Joins pairs of tracks, the likeliest first, until no pair is likely.
void join_fragments(std::vector<Track>& tracks, int longest_gap) {
  while (true) {
    std::tuple<double, size_t, size_t> best{kLeastContinuity + 0.05, 0, 0};
    for (size_t a = 0; a < tracks.size(); ++a) {
      for (size_t b = 0; b < tracks.size(); ++b) {
        const int gap = tracks[b].first() - tracks[a].last();
        if (a == b || gap <= 0 || gap > longest_gap) continue;
        const double likely = continuity(tracks[a], tracks[b].sightings.front());
        if (likely > std::get<0>(best)) best = {likely, a, b};
      }
    }
    const auto [likely, a, b] = best;
    if (a == b) return;
    for (const Sighting& s : tracks[b].sightings) extend(tracks[a], s);
    tracks.erase(tracks.begin() + static_cast<std::ptrdiff_t>(b));
  }
}

}  // namespace

float Track::best_certainty() const {
  return std::ranges::max_element(sightings, {}, &Sighting::certainty)->certainty;
}

float Track::mean_certainty() const {
  float sum = 0;
  for (const Sighting& s : sightings) sum += s.certainty;
  return sum / static_cast<float>(sightings.size());
}

const Sighting* Track::at(int frame) const {
  const auto found = std::ranges::lower_bound(sightings, frame, {}, &Sighting::frame);
  return found != sightings.end() && found->frame == frame ? &*found : nullptr;
}

std::vector<Sighting> merge_duplicates(std::vector<Sighting> sightings,
                                       const TrackOptions& options) {
  std::erase_if(sightings, [&](const Sighting& s) { return s.score < options.keep_score; });
  std::ranges::stable_sort(sightings, std::greater<>(), &Sighting::score);
  std::vector<Sighting> kept;
  for (Sighting& s : sightings) {
    s.certainty = s.score;
    const auto same = std::ranges::find_if(
        kept, [&](const Sighting& k) { return iou(s.box, k.box) > options.same_iou; });
    if (same != kept.end()) {
      same->certainty = 1 - (1 - same->certainty) * (1 - s.score);
      continue;
    }
    const bool part = std::ranges::any_of(kept, [&](const Sighting& k) {
      return common_area(s.box, k.box) > 0.85f * std::min(s.box.area(), k.box.area()) &&
             s.score < 0.6f * k.score;
    });
    if (!part) kept.push_back(s);
  }
  return kept;
}

std::vector<Track> link_tracks(std::span<const SampledFrame> frames, const TrackOptions& options) {
  std::vector<Track> tracks;
  for (const SampledFrame& frame : frames) {
    const size_t known = tracks.size();
    std::vector<std::tuple<double, size_t, size_t>> pairs;  // continuity, track, sighting
    for (size_t t = 0; t < known; ++t) {
      if (frame.frame - tracks[t].last() > options.longest_gap) continue;
      for (size_t s = 0; s < frame.sightings.size(); ++s) {
        const double likely = continuity(tracks[t], frame.sightings[s]);
        if (likely > kLeastContinuity) pairs.emplace_back(likely, t, s);
      }
    }
    std::ranges::stable_sort(
        pairs, [](const auto& a, const auto& b) { return std::get<0>(a) > std::get<0>(b); });
    std::vector<bool> track_taken(known), sighting_taken(frame.sightings.size());
    for (const auto& [likely, t, s] : pairs) {
      if (track_taken[t] || sighting_taken[s]) continue;
      track_taken[t] = sighting_taken[s] = true;
      extend(tracks[t], frame.sightings[s]);
    }
    for (size_t s = 0; s < frame.sightings.size(); ++s) {
      if (sighting_taken[s] || frame.sightings[s].certainty < options.start_certainty) continue;
      extend(tracks.emplace_back(), frame.sightings[s]);
    }
  }
  join_fragments(tracks, options.longest_gap);
  std::ranges::stable_sort(tracks, std::greater<>(), [](const Track& t) {
    return t.mean_certainty() * std::sqrt(static_cast<float>(t.sightings.size()));
  });
  return tracks;
}

}  // namespace alref::reasoning
