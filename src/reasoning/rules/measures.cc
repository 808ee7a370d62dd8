// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/measures.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace alref::reasoning {

double clearly(double difference, double margin) {
  return 1 / (1 + std::exp(-2 * difference / margin));
}

double View::area() const { return std::max(width * height, 1e-6); }

View view(const Sighting& s, const Extent& e) {
  const Box& b = s.box;
  return {(b.x0 + b.x1) / 2 / e.width, (b.y0 + b.y1) / 2 / e.height, b.width() / e.width,
          b.height() / e.height, b.y1 / e.height};
}

double mean(const Track& track, const Extent& e, const Measure& measure) {
  double sum = 0;
  for (const Sighting& s : track.sightings) sum += measure(view(s, e));
  return sum / static_cast<double>(track.sightings.size());
}

double upper_quartile(const Track& track, const Extent& e, const Measure& measure) {
  std::vector<double> values;
  for (const Sighting& s : track.sightings) values.push_back(measure(view(s, e)));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 3 / 4);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double difference(const Track& a, const Track& b, const Extent& e, const Measure& measure) {
  double sum = 0;
  int count = 0;
  for (const Sighting& s : a.sightings) {
    if (const Sighting* t = b.at(s.frame)) {
      sum += measure(view(s, e)) - measure(view(*t, e));
      ++count;
    }
  }
  return count > 0 ? sum / count : mean(a, e, measure) - mean(b, e, measure);
}

bool at_border(const Sighting& s, const Extent& e) {
  const float dx = 0.02f * static_cast<float>(e.width), dy = 0.02f * static_cast<float>(e.height);
  return s.box.x0 < dx || s.box.y0 < dy || s.box.x1 > static_cast<float>(e.width) - dx ||
         s.box.y1 > static_cast<float>(e.height) - dy;
}

std::optional<std::pair<double, double>> mean_and_change(const Track& a, const Track& b,
                                                         const Extent& e,
                                                         const PairMeasure& measure) {
  std::vector<double> values;
  for (const Sighting& s : a.sightings) {
    if (const Sighting* t = b.at(s.frame)) values.push_back(measure(view(s, e), view(*t, e)));
  }
  if (values.empty()) return std::nullopt;
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return std::pair(sum / static_cast<double>(values.size()), values.back() - values.front());
}

double gap(const View& a, const View& b) {
  const double x = std::abs(a.cx - b.cx) - (a.width + b.width) / 2;
  const double y = std::abs(a.cy - b.cy) - (a.height + b.height) / 2;
  return std::hypot(std::max(x, 0.0), std::max(y, 0.0));
}

double overlap(const View& a, const View& b) {
  const double x = std::min(a.cx + a.width / 2, b.cx + b.width / 2) -
                   std::max(a.cx - a.width / 2, b.cx - b.width / 2);
  const double y = std::min(a.cy + a.height / 2, b.cy + b.height / 2) -
                   std::max(a.cy - a.height / 2, b.cy - b.height / 2);
  return x > 0 && y > 0 ? x * y / std::min(a.area(), b.area()) : 0;
}

double MotionMeasure::net() const { return std::hypot(dx, dy); }

MotionMeasure measure_motion(const Track& track, const Extent& e) {
  const auto& seen = track.sightings;
  MotionMeasure m;
  std::vector<View> smooth;
  for (size_t i = 0; i < seen.size(); ++i) {
    const size_t from = i > 0 ? i - 1 : 0, to = std::min(i + 1, seen.size() - 1);
    View sum{};
    for (size_t k = from; k <= to; ++k) {
      const View v = view(seen[k], e);
      sum.cx += v.cx;
      sum.cy += v.cy;
    }
    const auto n = static_cast<double>(to - from + 1);
    smooth.push_back({sum.cx / n, sum.cy / n, 0, 0, 0});
  }
  for (size_t i = 1; i < smooth.size(); ++i) {
    m.length += std::hypot(smooth[i].cx - smooth[i - 1].cx, smooth[i].cy - smooth[i - 1].cy);
  }
  const View first = view(seen.front(), e), last = view(seen.back(), e);
  m.dx = last.cx - first.cx;
  m.dy = last.cy - first.cy;
  // Things that enter or leave are cut by the border: growth is measured between whole ones where
  // there are.
  std::vector<double> whole, areas;
  for (const Sighting& sighting : seen) {
    areas.push_back(std::log(view(sighting, e).area()));
    if (!at_border(sighting, e)) whole.push_back(areas.back());
  }
  if (whole.size() >= 3) areas = std::move(whole);
  if (areas.size() >= 2) {
    const size_t n = std::min<size_t>(2, areas.size() / 2);
    const auto average = [&](auto begin) {
      return std::accumulate(begin, begin + static_cast<long>(n), 0.0) / static_cast<double>(n);
    };
    m.growth = average(areas.end() - static_cast<long>(n)) - average(areas.begin());
  }
  m.duration = static_cast<double>(track.last() - track.first()) / e.frame_count;
  return m;
}

}  // namespace alref::reasoning
