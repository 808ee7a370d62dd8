// SPDX-License-Identifier: Apache-2.0
#include "reasoning/scene.h"

#include "alref/error.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace alref::reasoning {
namespace {

std::atomic<uint64_t> next_scene = 1;

}  // namespace

Scene::Scene(FrameSource& frames, DetectFunction detect, std::string name)
    : id_(next_scene++), frames_(frames), detect_(std::move(detect)), name_(std::move(name)) {
  if (!frames.seekable() || !frames.frame_count()) {
    throw Error(
        ErrorKind::kInput,
        name_ +
            ": the sentence is judged by the whole video, which a stream does not show in advance");
  }
  frame_count_ = *frames.frame_count();
}

void Scene::keep_best(std::vector<Detection>& boxes) {
  std::ranges::stable_sort(boxes, std::greater<>(), &Detection::score);
  if (boxes.size() > kMostBoxes) boxes.resize(kMostBoxes);
}

std::vector<Detection> Scene::detect(int frame, std::string_view caption, float box_threshold) {
  std::pair<int, std::string> key(frame, caption);
  auto known = detections_.find(key);
  if (known == detections_.end()) {
    const auto image = frames_.frame(frame);
    if (!image) {
      throw Error(ErrorKind::kInput, name_ + ": no frame " + std::to_string(frame) + ", expected " +
                                         std::to_string(frame_count_) + " frames");
    }
    std::vector<Detection> found =
        detect_(frame, *image, caption, kLowestBoxThreshold, kTextThreshold);
    keep_best(found);
    ++detector_runs_;
    known = detections_.emplace(std::move(key), std::move(found)).first;
  } else {
    ++detector_hits_;
  }
  const auto& all = known->second;
  const auto end = std::find_if(all.begin(), all.end(),
                                [&](const Detection& d) { return d.score <= box_threshold; });
  return {all.begin(), end};
}

std::vector<std::shared_ptr<const Image>> Scene::images(const Clip& clip) {
  std::vector<std::shared_ptr<const Image>> images;
  for (const int frame : clip.frames) images.push_back(frames_.frame(frame));
  return images;
}

std::shared_ptr<const Image> Scene::strip(const Clip& clip) {
  if (!strips_.contains(clip.index) && strips_.size() >= kMostStrips) strips_.clear();
  auto& strip = strips_[clip.index];
  if (!strip) strip = std::make_shared<Image>(draw_strip(images(clip)));
  return strip;
}

std::shared_ptr<const Image> Scene::strip_with_boxes(const Clip& clip, const MarkedBoxes& boxes) {
  return std::make_shared<Image>(draw_strip(images(clip), {}, boxes));
}

}  // namespace alref::reasoning
