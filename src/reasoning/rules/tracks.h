// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <span>
#include <vector>

#include "reasoning/rules/appearance.h"

namespace alref::reasoning {

/// One thing on one sampled frame.
struct Sighting {
  int frame = 0;
  Box box;  ///< in pixels
  float score = 0;
  ColourHistogram colours;
};

/// One thing through the video, as far as the detector saw it.
struct Track {
  std::vector<Sighting> sightings;  ///< by ascending frame, at least one
  ColourHistogram colours;          ///< over all sightings, the later ones counting a little more
  int first() const { return sightings.front().frame; }
  int last() const { return sightings.back().frame; }
  float best_score() const;
  float mean_score() const;
  /// The sighting on `frame`; null where it was not seen.
  const Sighting* at(int frame) const;
};

struct TrackOptions {
  float start_score = 0.25f;  ///< a detection below it begins no track...
  float keep_score = 0.15f;   ///< ...and one below this is not looked at
  float same_iou = 0.6f;      ///< detections that overlap more are one thing
  int longest_gap = 40;  ///< frames for which a thing may be out of sight and still be the same
};

/// The sightings of one sampled frame, the best first.
struct SampledFrame {
  int frame = 0;
  std::vector<Sighting> sightings;
};

/// Of detections that mean one thing, only the best: nothing overlaps a better one by more than
/// `same_iou`, nor lies within one that is far better.
std::vector<Sighting> suppress_duplicates(std::vector<Sighting> sightings,
                                          const TrackOptions& options);

/// Joins sightings on successive frames by overlap, distance, size and colours, following straight
/// motion across gaps; then joins tracks that end and begin where one thing may have been out of
/// sight. The best-seen tracks come first.
std::vector<Track> link_tracks(std::span<const SampledFrame> frames,
                               const TrackOptions& options = {});

}  // namespace alref::reasoning
