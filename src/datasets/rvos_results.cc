// SPDX-License-Identifier: Apache-2.0
#include "datasets/rvos_results.h"

#include "datasets/label_track.h"

namespace alref::datasets {

using std::filesystem::path;

path RvosResults::folder(const RvosVideo& video, const RvosExpression& expression) const {
  const path base = layout_ == RvosLayout::kRefYoutubeVos ? out_ / "Annotations" : out_;
  return base / video.name / expression.id;
}

path RvosResults::folder(const RvosVideo& video, int annotator) const {
  return out_ / ("anno_" + std::to_string(annotator)) / video.name;
}

std::vector<Mask> RvosResults::read(const RvosVideo& video,
                                    const RvosExpression& expression) const {
  return read_label_track(folder(video, expression), video.frames).foreground();
}

LabelTrack RvosResults::read(const RvosVideo& video, int annotator) const {
  return read_label_track(folder(video, annotator), video.frames);
}

}  // namespace alref::datasets
