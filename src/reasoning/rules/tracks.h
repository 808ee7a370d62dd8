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
  Box box;              ///< in pixels
  float score = 0;      ///< the detector's, of this box alone
  float certainty = 0;  ///< that a thing of the kind is here; see merge_duplicates
  ColourHistogram colours;
};

/// One thing through the video, as far as the detector saw it.
struct Track {
  std::vector<Sighting> sightings;  ///< by ascending frame, at least one
  ColourHistogram colours;          ///< over all sightings, the later ones counting a little more
  int first() const { return sightings.front().frame; }
  int last() const { return sightings.back().frame; }
  float best_certainty() const;
  float mean_certainty() const;
  /// The sighting on `frame`; null where it was not seen.
  const Sighting* at(int frame) const;
};

struct TrackOptions {
  float start_certainty = 0.25f;  ///< a sighting below it begins no track...
  float keep_score = 0.15f;       ///< ...and a detection below this is not looked at
  float same_iou = 0.5f;          ///< detections that overlap more are one thing
  int longest_gap = 40;  ///< frames for which a thing may be out of sight and still be the same
};

/// The sightings of one sampled frame, the best first.
struct SampledFrame {
  int frame = 0;
  std::vector<Sighting> sightings;
};

/// Of detections that mean one thing, only the best: nothing overlaps a better one by more than
/// `same_iou`, nor lies within one that is far better. The detector's queries share the score of a
/// thing whose outline they do not agree upon; the certainty puts it together again, as the
/// probability that not all of those that overlap are wrong; each counts for the surest it
/// overlaps.
std::vector<Sighting> merge_duplicates(std::vector<Sighting> sightings,
                                       const TrackOptions& options);

/// Joins sightings on successive frames by overlap, distance, size and colours, following straight
/// motion across gaps; then joins tracks that end and begin where one thing may have been out of
/// sight. The best-seen tracks come first.
std::vector<Track> link_tracks(std::span<const SampledFrame> frames,
                               const TrackOptions& options = {});

}  // namespace alref::reasoning
