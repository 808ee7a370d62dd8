// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/relations.h"

#include <algorithm>
#include <cmath>

#include "reasoning/rules/measures.h"

namespace alref::reasoning {
namespace {

/// Where two overlap, the one in front shows: its outline stays whole while the other's is cut.
double in_front(const Track& a, const Track& b, const Extent& e) {
  const auto lower =
      mean_and_change(a, b, e, [](const View& x, const View& y) { return x.bottom - y.bottom; });
  double overlapping = 0, shrinks = 0;
  const auto area_of = [&](const Track& t) {
    return mean(t, e, [](const View& v) { return v.area(); });
  };
  const double area_a = area_of(a), area_b = area_of(b);
  for (const Sighting& s : a.sightings) {
    const Sighting* t = b.at(s.frame);
    if (!t) continue;
    const View x = view(s, e), y = view(*t, e);
    const double share = overlap(x, y);
    overlapping = std::max(overlapping, share);
    shrinks += share * (std::log(x.area() / area_a) - std::log(y.area() / area_b));
  }
  const double touching = clearly(overlapping - 0.1, 0.1);
  const double front =
      0.5 * clearly(lower ? lower->first : 0, kPlaceMargin) + 0.5 * clearly(shrinks, 0.3);
  return touching * front;
}

}  // namespace

std::optional<double> relate(std::string_view word, const Track& a, const Track& b,
                             const Extent& e) {
  const auto lead = [&](const PairMeasure& measure, double margin,
                        double offset = 0) -> std::optional<double> {
    const auto value = mean_and_change(a, b, e, measure);
    return value ? std::optional(clearly(value->first - offset, margin)) : std::nullopt;
  };
  const PairMeasure nearness = [](const View& x, const View& y) { return -gap(x, y); };
  if (word == "left-of")
    return lead([](const View& x, const View& y) { return y.cx - x.cx; }, kPlaceMargin);
  if (word == "right-of")
    return lead([](const View& x, const View& y) { return x.cx - y.cx; }, kPlaceMargin);
  if (word == "above")
    return lead([](const View& x, const View& y) { return y.cy - x.cy; }, kPlaceMargin);
  if (word == "below" || word == "under") {
    return lead([](const View& x, const View& y) { return x.cy - y.cy; }, kPlaceMargin);
  }
  if (word == "front-of") return in_front(a, b, e);
  if (word == "behind") return in_front(b, a, e);
  if (word == "on") {
    return lead(
        [](const View& x, const View& y) { return std::min(y.cy - x.cy, 0.05 - gap(x, y)); },
        kPlaceMargin);
  }
  if (word == "in" || word == "of")
    return lead([](const View& x, const View& y) { return overlap(x, y); }, 0.2, 0.5);
  if (word == "near") return lead(nearness, 2 * kNear, -2 * kNear);
  if (word == "far-from")
    return lead([](const View& x, const View& y) { return gap(x, y); }, kNear, 2 * kNear);
  if (word == "toward" || word == "away-from" || word == "follow" || word == "followed-by") {
    const auto value = mean_and_change(a, b, e, nearness);
    if (!value) return std::nullopt;
    if (word == "follow" || word == "followed-by") return clearly(value->first + 2 * kNear, kNear);
    return clearly((word == "toward" ? 1 : -1) * value->second - kMoved / 2, kMoved / 2);
  }
  // Next to, and all that one thing does to another: they touch or nearly do.
  return lead(nearness, kNear, -kNear);
}

std::optional<double> judge_between(const Candidate& candidate,
                                    std::span<const std::vector<const Track*>> others,
                                    const Extent& e) {
  std::vector<const Track*> ends;
  for (const auto& tracks : others) {
    const size_t wanted = others.size() > 1 ? 1 : 2;
    for (size_t i = 0; i < std::min(wanted, tracks.size()); ++i) ends.push_back(tracks[i]);
  }
  if (ends.size() < 2) return std::nullopt;
  const auto place = [&](const Track& t) {
    return std::pair(mean(t, e, [](const View& v) { return v.cx; }),
                     mean(t, e, [](const View& v) { return v.cy; }));
  };
  const auto [x, y] = place(*candidate.track);
  const auto [x0, y0] = place(*ends[0]);
  const auto [x1, y1] = place(*ends[1]);
  const double span = std::hypot(x1 - x0, y1 - y0);
  const double detour = std::hypot(x - x0, y - y0) + std::hypot(x1 - x, y1 - y) - span;
  return clearly(0.35 * span - detour, kPlaceMargin);
}

}  // namespace alref::reasoning
