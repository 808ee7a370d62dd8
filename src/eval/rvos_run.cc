// SPDX-License-Identifier: Apache-2.0
#include "eval/rvos_run.h"

#include "alref/error.h"

#include "core/atomic_file.h"
#include "datasets/rvos_results.h"
#include "media/image_folder.h"
#include "outputs/mask_png.h"

namespace alref::eval {
namespace {

using datasets::RvosDataset;
using datasets::RvosExpression;
using datasets::RvosLayout;
using datasets::RvosResults;
using datasets::RvosVideo;
using std::filesystem::path;

constexpr int kAnnotators = 4;

// One folder of 0 / 255 PNGs an expression.
class ExpressionWriter : public MaskSink {
 public:
  ExpressionWriter(const RvosResults& results, const RvosVideo& video) : video_(video) {
    for (const RvosExpression& expression : video.expressions) {
      folders_.push_back(results.folder(video, expression));
      create_folders(folders_.back());
    }
  }

  void write(const FrameMasks& frame) override {
    const std::string name = video_.frames.at(static_cast<size_t>(frame.frame)) + ".png";
    for (size_t i = 0; i < folders_.size(); ++i) {
      outputs::write_mask_png((folders_[i] / name).string(), frame.masks[i]);
    }
  }

 private:
  const RvosVideo& video_;
  std::vector<path> folders_;
};

// One folder of palette PNGs an annotator: the objects' logits compete (the reference's Ref-DAVIS17
// script).
class AnnotatorWriter : public MaskSink {
 public:
  AnnotatorWriter(const RvosResults& results, const RvosVideo& video) : video_(video) {
    for (int annotator = 0; annotator < kAnnotators; ++annotator) {
      folders_.push_back(results.folder(video, annotator));
      create_folders(folders_.back());
    }
  }

  void write(const FrameMasks& frame) override {
    const std::string name = video_.frames.at(static_cast<size_t>(frame.frame)) + ".png";
    for (size_t annotator = 0; annotator < folders_.size(); ++annotator) {
      std::vector<FloatMap> objects;
      for (size_t i = annotator; i < frame.logits.size(); i += kAnnotators)
        objects.push_back(frame.logits[i]);
      write_file((folders_[annotator] / name).string(),
                 media::encode_png(outputs::merge_logits(objects)));
    }
  }

 private:
  const RvosVideo& video_;
  std::vector<path> folders_;
};

// `work` keeps what variants share, and what a run that was broken off has found out.
void run_video(const RvosDataset& dataset, const RvosVideo& video, const RvosResults& results,
               const std::shared_ptr<Models>& models, const RvosVariant& variant, const path& kinds,
               const path& work) {
  RefOptions method = variant.method;
  method.work_folder = work.string();
  method.work_key = video.name;
  if (variant.oracles.any()) method.truth = known_truth(dataset, video, variant.oracles, kinds);
  std::vector<std::string> files, texts;
  for (const std::string& frame : video.frames)
    files.push_back((dataset.frames_folder(video) / (frame + ".jpg")).string());
  for (const RvosExpression& expression : video.expressions) texts.push_back(expression.text);
  media::ImageFrames frames(files, {});
  method.video_name = video.name;
  const bool merged = dataset.layout() == RvosLayout::kRefDavis17;
  method.keep_logits = merged;
  std::unique_ptr<MaskSink> sink;
  if (merged) {
    sink = std::make_unique<AnnotatorWriter>(results, video);
  } else {
    sink = std::make_unique<ExpressionWriter>(results, video);
  }
  RefSegmenter(models, method).segment(frames, texts, *sink);
}

}  // namespace

std::vector<RvosVariant> ablations(const RefOptions& method, bool with_detections) {
  RefOptions baseline = method, frame = method;
  baseline.reasoner = ReasonerKind::kFirst;
  frame.choose_box = false;
  std::vector<RvosVariant> variants = {
      {.name = "baseline", .method = baseline},
      {.name = "pivot-frame", .method = frame},
      {.name = "pivot-box", .method = method},
      {.name = "oracle-frame", .method = method, .oracles = {.frame = true}},
      {.name = "oracle-box", .method = method, .oracles = {.box = true}},
      {.name = "oracle-both", .method = method, .oracles = {.frame = true, .box = true}}};
  if (with_detections) {
    variants.push_back(
        {.name = "true-detections", .method = method, .oracles = {.detections = true}});
  }
  return variants;
}

RunSummary run_rvos(const RvosDataset& dataset, const path& out, const RvosRunOptions& options) {
  std::shared_ptr<Models> models;
  std::vector<std::string> names;
  for (const RvosVideo& video : dataset.videos()) names.push_back(video.name);
  return run_videos(names, out, options, [&](size_t index) {
    if (!models) models = std::make_shared<Models>(options.models);
    const RvosVideo& video = dataset.videos()[index];
    const path work = out / ".alref" / (video.name + ".work");
    for (const RvosVariant& variant : options.variants) {
      run_video(dataset, video, RvosResults(dataset.layout(), out / variant.name), models, variant,
                options.kinds, work);
    }
    std::filesystem::remove_all(work);
  });
}

}  // namespace alref::eval
