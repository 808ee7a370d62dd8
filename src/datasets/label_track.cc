// SPDX-License-Identifier: Apache-2.0
#include "datasets/label_track.h"

#include "alref/error.h"

#include "media/image_io.h"

namespace alref::datasets {
namespace {

template <typename Test>
std::vector<Mask> masks_where(const LabelTrack& track, Test test) {
  std::vector<Mask> masks;
  for (const std::vector<uint8_t>& labels : track.frames) {
    Mask& mask = masks.emplace_back(track.width, track.height);
    for (size_t i = 0; i < labels.size(); ++i) mask.pixels[i] = test(labels[i]);
  }
  return masks;
}

}  // namespace

std::vector<Mask> LabelTrack::masks_of(uint8_t label) const {
  return masks_where(*this, [label](uint8_t l) { return l == label; });
}

std::vector<Mask> LabelTrack::foreground() const {
  return masks_where(*this, [](uint8_t l) { return l != 0; });
}

LabelTrack read_label_track(const std::filesystem::path& folder,
                            const std::vector<std::string>& frames) {
  LabelTrack track;
  for (const std::string& frame : frames) {
    const std::filesystem::path file = folder / (frame + ".png");
    media::LabelImage image = media::read_label_png(file.string());
    if (track.frames.empty()) {
      track.width = image.width;
      track.height = image.height;
    } else if (image.width != track.width || image.height != track.height) {
      throw Error(ErrorKind::kInput, file.string() + ": has " + std::to_string(image.width) +
                                         " x " + std::to_string(image.height) +
                                         " pixels, expected " + std::to_string(track.width) +
                                         " x " + std::to_string(track.height) +
                                         " as the frames before");
    }
    track.frames.push_back(std::move(image.labels));
  }
  return track;
}

}  // namespace alref::datasets
