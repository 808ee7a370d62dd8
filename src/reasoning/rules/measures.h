// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "reasoning/rules/judge.h"
#include "reasoning/rules/tracks.h"

// What is measured of boxes, and how sure a difference makes a statement.
namespace alref::reasoning {

// Margins are shares of the picture's sides, or logs of ratios. They were set by what sentences
// mean to people, and from them a difference of about the margin counts as clear.
inline constexpr double kPlaceMargin = 0.08;
inline constexpr double kSizeMargin = 0.3;    // log of a ratio of areas: about 1.35
inline constexpr double kMoved = 0.08;        // displacement
inline constexpr double kOrderMargin = 0.05;  // share of the video's length
inline constexpr double kGrowth = 0.35;       // log of a ratio of areas: about 1.4
inline constexpr double kNear = 0.12;         // gap between two things that are next to each other

/// How sure a statement is that holds above 0: 0.5 at 0, 0.88 at `margin`, 0.12 at -margin.
double clearly(double difference, double margin);

/// A box in shares of the picture's sides.
struct View {
  double cx, cy, width, height, bottom;
  double area() const;
};
View view(const Sighting& sighting, const Extent& extent);
bool at_border(const Sighting& sighting, const Extent& extent);

using Measure = std::function<double(const View&)>;
double mean(const Track& track, const Extent& extent, const Measure& measure);
/// The value that a quarter of the sightings exceed.
double upper_quartile(const Track& track, const Extent& extent, const Measure& measure);
/// Mean of measure(a) - measure(b) over the frames that show both; over all frames where none does.
double difference(const Track& a, const Track& b, const Extent& extent, const Measure& measure);

using PairMeasure = std::function<double(const View&, const View&)>;
/// Mean, and last less first, over the frames that show both; none where no frame does.
std::optional<std::pair<double, double>> mean_and_change(const Track& a, const Track& b,
                                                         const Extent& extent,
                                                         const PairMeasure& measure);

/// Distance between the boxes' sides; 0 where they overlap.
double gap(const View& a, const View& b);
/// How much of the smaller one lies on the larger one.
double overlap(const View& a, const View& b);

/// The motion of a track, places as shares of the picture's sides; jitter of single boxes is
/// smoothed out.
struct MotionMeasure {
  double dx = 0, dy = 0;  ///< from the first to the last sighting
  double length = 0;      ///< along the path
  double growth = 0;      ///< log of last over first area
  double duration = 0;    ///< share of the video

  double net() const;
};
MotionMeasure measure_motion(const Track& track, const Extent& extent);

}  // namespace alref::reasoning
