// SPDX-License-Identifier: Apache-2.0
#include "eval/avs_run.h"

#include "alref/error.h"

#include "core/atomic_file.h"
#include "media/image_folder.h"
#include "outputs/class_map.h"
#include "outputs/mask_png.h"

namespace alref::eval {
namespace {

using datasets::AvsDataset;
using datasets::AvsLayout;
using datasets::AvsResults;
using datasets::AvsVideo;

/// One picture a frame: the union of the masks, or their classes.
class FrameWriter : public AvMaskSink {
 public:
  FrameWriter(const AvsResults& results, const AvsVideo& video, const FrameSource& frames,
              bool classes)
      : results_(results), video_(video), frames_(frames), with_classes_(classes) {}

  void begin(std::span<const AvLabel> labels) override {
    create_folders(results_.folder(video_));
    for (const AvLabel& label : labels) classes_.push_back(label.class_index);
  }

  void write(const AvFrameMasks& frame) override {
    const std::string file = results_.file(video_, frame.frame).string();
    if (with_classes_) {
      write_file(file, media::encode_png(outputs::merge_classes(
                           frame.masks, classes_, frame.order, frames_.width(), frames_.height())));
      return;
    }
    Mask all(frames_.width(), frames_.height());
    for (const Mask& mask : frame.masks) {
      for (size_t i = 0; i < all.pixels.size(); ++i) all.pixels[i] |= mask.pixels[i];
    }
    outputs::write_mask_png(file, all);
  }

 private:
  const AvsResults& results_;
  const AvsVideo& video_;
  const FrameSource& frames_;
  bool with_classes_;
  std::vector<int> classes_;
};

void run_video(const AvsDataset& dataset, const AvsVideo& video, const AvsResults& results,
               const std::shared_ptr<Models>& models, const AvsRunOptions& options) {
  AvOptions method = options.method;
  method.moments_per_second = 1;
  method.window_seconds = video.frames;
  method.single = dataset.layout() == AvsLayout::kS4;
  method.semantic = dataset.has_classes();
  method.video_name = video.name;
  if (options.true_labels) method.known_labels = dataset.true_labels(video);
  media::ImageFrames frames(dataset.frame_files(video), {.image_frame_rate = 1});
  const auto sound = open_sound(dataset.sound_file(video).string());
  FrameWriter writer(results, video, frames, dataset.has_classes());
  if (options.true_labels && method.known_labels.empty()) {  // nothing sounds
    writer.begin({});
    for (int i = 0; i < video.frames; ++i) writer.write({.frame = i, .masks = {}, .order = {}});
    return;
  }
  AvSegmenter(models, method).segment(frames, *sound, writer);
}

}  // namespace

RunSummary run_avs(const AvsDataset& dataset, const std::filesystem::path& out,
                   const AvsRunOptions& options) {
  if (options.true_labels && dataset.layout() == AvsLayout::kMs3) {
    throw Error(ErrorKind::kInvalidArgument, "true labels: MS3 does not say what sounds");
  }
  const AvsResults results(dataset.layout(), out);
  std::shared_ptr<Models> models;
  std::vector<std::string> names;
  for (const AvsVideo& video : dataset.videos()) names.push_back(video.name);
  return run_videos(names, out, options, [&](size_t index) {
    if (!models) models = std::make_shared<Models>(options.models);
    run_video(dataset, dataset.videos()[index], results, models, options);
  });
}

}  // namespace alref::eval
