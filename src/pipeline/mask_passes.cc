// SPDX-License-Identifier: Apache-2.0
#include "pipeline/mask_passes.h"

#include <algorithm>
#include <span>

namespace alref::pipeline {

void MaskPasses::add(size_t object, std::unique_ptr<VideoTracker> tracker, int start) {
  Walker& walker = walkers_.emplace_back();
  walker.object = object;
  walker.tracker = std::move(tracker);
  walker.start = start;
}

int MaskPasses::latest_start() const {
  int latest = first_ - 1;
  for (const Walker& walker : walkers_) latest = std::max(latest, walker.start);
  return latest;
}

void MaskPasses::run(bool reverse, const OnMask& on_mask, const OnProgress& on_progress) {
  size_t total = 0, done = 0;
  for (Walker& walker : walkers_) {
    walker.next = walker.start;
    walker.finished = false;
    total += static_cast<size_t>((reverse ? walker.start - first_ : last_ - walker.start) + 1);
    walker.tracker->start_pass(walker.start, reverse);
  }
  while (Walker* walker = furthest_behind(reverse)) {
    on_progress(done++, total);
    const bool stepped = walker->tracker->step([&](int frame, std::span<const ObjectLogits> masks) {
      on_mask(walker->object, frame, masks.front().logits, masks.front().object_score);
      walker->next = frame + (reverse ? -1 : 1);
      return true;
    });
    walker->finished = !stepped || walker->next < first_ || walker->next > last_;
  }
}

MaskPasses::Walker* MaskPasses::furthest_behind(bool reverse) {
  Walker* chosen = nullptr;
  for (Walker& walker : walkers_) {
    if (walker.finished) continue;
    if (!chosen || (reverse ? walker.next > chosen->next : walker.next < chosen->next)) {
      chosen = &walker;
    }
  }
  return chosen;
}

}  // namespace alref::pipeline
