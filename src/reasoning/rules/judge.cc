// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/judge.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "reasoning/rules/measures.h"
#include "reasoning/rules/relations.h"

namespace alref::reasoning {
namespace {

/// How clearly the candidate is ahead of every rival; `rank` 2 lets one be ahead of it, -1 all.
double among_rivals(const Candidate& c, int rank, double margin,
                    const std::function<double(const Track&)>& lead) {
  std::vector<double> ahead;
  for (const Track* rival : c.rivals) ahead.push_back(clearly(lead(*rival), margin));
  std::ranges::sort(ahead);
  const auto behind_needed =
      rank < 0 ? ahead.size() : std::min(ahead.size(), static_cast<size_t>(rank - 1));
  double score = 1;
  if (rank > 0 && static_cast<size_t>(rank) > c.rivals.size() + 1)
    score = 0.2;  // there is no rank-th
  for (size_t i = 0; i < ahead.size(); ++i)
    score = std::min(score, i < behind_needed ? 1 - ahead[i] : ahead[i]);
  return score;
}

std::optional<Measure> side_measure(std::string_view side) {
  if (side == "left") return [](const View& v) { return -v.cx; };
  if (side == "right") return [](const View& v) { return v.cx; };
  if (side == "top") return [](const View& v) { return -v.cy; };
  if (side == "bottom") return [](const View& v) { return v.cy; };
  // Near things are large and stand low in the picture.
  if (side == "near")
    return [](const View& v) { return 0.25 * std::log(v.area()) + 0.5 * v.bottom; };
  if (side == "far")
    return [](const View& v) { return -0.25 * std::log(v.area()) - 0.5 * v.bottom; };
  return std::nullopt;
}

double judge_place(const Constraint& c, const Candidate& candidate, const Extent& e) {
  const Track& track = *candidate.track;
  if (c.value == "middle") {
    const auto off_centre = [](const View& v) {
      return std::hypot(v.cx - 0.5, 0.5 * (v.cy - 0.5));
    };
    if (candidate.rivals.empty()) return clearly(0.2 - mean(track, e, off_centre), kPlaceMargin);
    return among_rivals(candidate, 1, kPlaceMargin,
                        [&](const Track& r) { return -difference(track, r, e, off_centre); });
  }
  if (c.value == "edge") {
    const auto inside = [](const View& v) { return std::min({v.cx, 1 - v.cx, v.cy, 1 - v.cy}); };
    return clearly(0.2 - mean(track, e, inside), kPlaceMargin);
  }
  const Measure measure = *side_measure(c.value);
  const double half = c.value == "left" || c.value == "top" ? -0.5 : 0.5;
  const double absolute = clearly(mean(track, e, measure) - half, kPlaceMargin);
  if (candidate.rivals.empty()) return absolute;
  const double relative = among_rivals(
      candidate, 1, kPlaceMargin, [&](const Track& r) { return difference(track, r, e, measure); });
  return relative * (0.8 + 0.2 * absolute);
}

std::optional<double> judge_size(const Constraint& c, const Candidate& candidate, const Extent& e) {
  if (candidate.rivals.empty()) return std::nullopt;  // large compared with what?
  Measure measure;
  if (c.value == "big" || c.value == "small") {
    measure = [](const View& v) { return std::log(v.area()); };
  } else if (c.value == "tall" || c.value == "short") {
    measure = [](const View& v) { return 2 * std::log(std::max(v.height, 1e-3)); };
  } else if (c.value == "long") {
    measure = [](const View& v) { return 2 * std::log(std::max({v.width, v.height, 1e-3})); };
  } else {
    measure = [](const View& v) { return 2 * std::log(std::max(v.width, 1e-3)); };
  }
  const double sign = c.value == "small" || c.value == "short" || c.value == "thin" ? -1 : 1;
  // Things are cut by borders and by one another, never enlarged: their better views tell their
  // size.
  const double own = upper_quartile(*candidate.track, e, measure);
  return among_rivals(candidate, c.rank, kSizeMargin,
                      [&](const Track& r) { return sign * (own - upper_quartile(r, e, measure)); });
}

double judge_order(const Constraint& c, const Candidate& candidate, const Extent& e) {
  const Track& track = *candidate.track;
  const auto time = [&](const Track& t) {
    const double frame = c.value == "appear"      ? t.first()
                         : c.value == "disappear" ? t.last()
                                                  : t.first() - t.last();
    return frame / e.frame_count;
  };
  return among_rivals(candidate, c.rank, kOrderMargin,
                      [&](const Track& r) { return time(r) - time(track); });
}

/// How far it went the way that the word says.
double way(std::string_view word, const MotionMeasure& m) {
  if (word == "left") return -m.dx;
  if (word == "right") return m.dx;
  if (word == "up") return -m.dy;
  return m.dy;
}

std::optional<double> judge_motion(const Constraint& c, const Candidate& candidate,
                                   const Extent& e) {
  const Track& track = *candidate.track;
  const MotionMeasure m = measure_motion(track, e);
  const std::string& word = c.value;
  const auto against_rivals = [&](double margin,
                                  const std::function<double(const MotionMeasure&)>& measure) {
    return among_rivals(candidate, 1, margin,
                        [&](const Track& r) { return measure(m) - measure(measure_motion(r, e)); });
  };
  if (word == "left" || word == "right" || word == "up" || word == "down") {
    const double across = word == "left" || word == "right" ? std::abs(m.dy) : std::abs(m.dx);
    const double absolute =
        clearly(way(word, m) - kMoved, kMoved / 2) * clearly(way(word, m) - across, kMoved);
    return absolute * (0.3 + 0.7 * against_rivals(kMoved, [&](const MotionMeasure& o) {
                               return way(word, o);
                             }));
  }
  if (word == "still") {
    const double absolute =
        clearly(kMoved - m.length, kMoved / 3) * clearly(kGrowth - std::abs(m.growth), kGrowth);
    return (0.2 + 0.8 * absolute) *
           against_rivals(kMoved, [](const MotionMeasure& o) { return -o.length; });
  }
  if (word == "any") {
    const double moved = clearly(m.length + 0.1 * std::abs(m.growth) - kMoved, kMoved / 2);
    return moved *
           (0.5 + 0.5 * against_rivals(kMoved, [](const MotionMeasure& o) { return o.length; }));
  }
  if (word == "sway" || word == "turn") {
    const auto returned = [](const MotionMeasure& o) { return o.length - 2 * o.net(); };
    return clearly(returned(m) - kMoved, kMoved) * (0.3 + 0.7 * against_rivals(kMoved, returned));
  }
  if (word == "closer" || word == "grow" || word == "away" || word == "shrink") {
    const double sign = word == "closer" || word == "grow" ? 1 : -1;
    const auto growth = [&](const MotionMeasure& o) { return sign * o.growth; };
    return clearly(growth(m) - kGrowth, kGrowth / 2) *
           (0.3 + 0.7 * against_rivals(kGrowth, growth));
  }
  if (word == "enter" || word == "leave") {
    const Sighting& end = word == "enter" ? track.sightings.front() : track.sightings.back();
    const double late = word == "enter" ? track.first() : e.frame_count - 1 - track.last();
    const double absolute = clearly(late / e.frame_count - kOrderMargin, kOrderMargin / 2);
    return absolute * (at_border(end, e) ? 1 : 0.6);
  }
  if (candidate.rivals.empty()) return std::nullopt;  // fast compared with what?
  const double sign = word == "fast" || word == "most" ? 1 : -1;
  const bool speed = word == "fast" || word == "slow";
  return against_rivals(kMoved, [&](const MotionMeasure& o) {
    return sign * (speed ? o.length / std::max(o.duration, 0.1) : o.length);
  });
}

double judge_colour(const std::string& colour, const Candidate& candidate) {
  const double share = candidate.track->colours.share(colour);
  double most = share;
  for (const Track* rival : candidate.rivals) most = std::max(most, rival->colours.share(colour));
  const double relative = most > 0 ? share / most : 0.5;
  return 0.5 * clearly(share - 0.12, 0.08) + 0.5 * relative;
}

std::optional<double> judge_relation(const Constraint& c, const Candidate& candidate,
                                     std::span<const std::vector<const Track*>> others,
                                     const Extent& e) {
  if (c.value == "wear" && !c.others.empty() && c.others[0].noun.empty()) {  // "in black"
    for (const Constraint& colour : c.others[0].constraints) {
      if (colour.trait == Trait::kColour) return judge_colour(colour.value, candidate);
    }
    return std::nullopt;
  }
  if (c.value == "between") return judge_between(candidate, others, e);
  if (others.empty() || others[0].empty()) return std::nullopt;
  const bool all = c.others[0].other || c.others[0].count != 1;  // "left of the others"
  std::optional<double> result;
  for (const Track* other : others[0]) {
    const auto holds = relate(c.value, *candidate.track, *other, e);
    if (!holds) continue;
    result = !result ? *holds : all ? std::min(*result, *holds) : std::max(*result, *holds);
  }
  return result;
}

/// The part of a track within the first or last third of the video; the whole where that part is
/// empty.
Track part_of(const Track& track, When when, const Extent& e) {
  Track part = track;
  std::erase_if(part.sightings, [&](const Sighting& s) {
    return when == When::kStart ? 3 * s.frame > e.frame_count : 3 * s.frame < 2 * e.frame_count;
  });
  return part.sightings.empty() ? track : part;
}

std::optional<double> judge_whole(const Constraint& c, const Candidate& candidate,
                                  std::span<const std::vector<const Track*>> others,
                                  const Extent& e) {
  switch (c.trait) {
    case Trait::kColour:
      return judge_colour(c.value, candidate);
    case Trait::kPlace:
      return judge_place(c, candidate, e);
    case Trait::kDepth:
    case Trait::kRank: {
      if (candidate.rivals.empty()) return c.trait == Trait::kRank && c.rank > 1 ? 0.2 : 1.0;
      const auto measure = side_measure(c.value);
      if (!measure) return std::nullopt;
      return among_rivals(candidate, c.rank, kPlaceMargin, [&](const Track& r) {
        return difference(*candidate.track, r, e, *measure);
      });
    }
    case Trait::kSize:
      return judge_size(c, candidate, e);
    case Trait::kOrder:
      return judge_order(c, candidate, e);
    case Trait::kMotion:
      return judge_motion(c, candidate, e);
    case Trait::kAlone: {
      double nearest = 1;
      for (const Track* rival : candidate.rivals) {
        const auto value = mean_and_change(*candidate.track, *rival, e, gap);
        if (value) nearest = std::min(nearest, value->first);
      }
      const double alone = clearly(nearest - 2 * kNear, kNear);
      return c.value == "alone" ? alone : 1 - alone;
    }
    case Trait::kRelation:
      return judge_relation(c, candidate, others, e);
    case Trait::kQuality:
    case Trait::kAction:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> judge(const Constraint& constraint, const Candidate& candidate,
                            std::span<const std::vector<const Track*>> others,
                            const Extent& extent) {
  std::optional<double> score;
  if (constraint.when == When::kAlways) {
    score = judge_whole(constraint, candidate, others, extent);
  } else {
    const Track part = part_of(*candidate.track, constraint.when, extent);
    std::vector<Track> rival_parts;
    for (const Track* rival : candidate.rivals)
      rival_parts.push_back(part_of(*rival, constraint.when, extent));
    Candidate now{.track = &part, .rivals = {}};
    for (const Track& rival : rival_parts) now.rivals.push_back(&rival);
    score = judge_whole(constraint, now, others, extent);
  }
  if (score && constraint.negated) score = 1 - *score;
  return score;
}

}  // namespace alref::reasoning
