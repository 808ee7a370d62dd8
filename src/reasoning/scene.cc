// SPDX-License-Identifier: Apache-2.0
#include "reasoning/scene.h"

#include "alref/error.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <utility>

namespace alref::reasoning {
namespace {

std::atomic<uint64_t> next_scene = 1;

}  // namespace

Scene::Scene(FrameSource& frames, DetectFunction detect, std::string name,
             const SceneOptions& options)
    : id_(next_scene++),
      frames_(frames),
      detect_(std::move(detect)),
      name_(std::move(name)),
      options_(options) {
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

const Scene::Found& Scene::find(int frame, std::string_view caption) {
  std::pair<int, std::string> key(frame, caption);
  const auto known = detections_.find(key);
  if (known != detections_.end()) {
    ++detector_hits_;
    return known->second;
  }
  const auto image = frames_.frame(frame);
  if (!image) {
    throw Error(ErrorKind::kInput, name_ + ": no frame " + std::to_string(frame) + ", expected " +
                                       std::to_string(frame_count_) + " frames");
  }
  const std::vector<Detection> all =
      detect_(frame, *image, caption, kLowestBoxThreshold, options_.text_threshold);
  ++detector_runs_;
  Found found;
  found.places.resize(all.size());
  std::iota(found.places.begin(), found.places.end(), size_t{0});
  std::ranges::stable_sort(found.places, std::greater<>(), [&](size_t i) { return all[i].score; });
  if (found.places.size() > kMostBoxes) found.places.resize(kMostBoxes);
  for (const size_t place : found.places) found.boxes.push_back(all[place]);
  return detections_.emplace(std::move(key), std::move(found)).first->second;
}

std::vector<Detection> Scene::detect(int frame, std::string_view caption, float box_threshold) {
  const auto& all = find(frame, caption).boxes;
  const auto end = std::find_if(all.begin(), all.end(),
                                [&](const Detection& d) { return d.score <= box_threshold; });
  return {all.begin(), end};
}

std::vector<Detection> Scene::detect_unsorted(int frame, std::string_view caption,
                                              float box_threshold, size_t most) {
  std::vector<Detection> boxes = detect(frame, caption, box_threshold);
  if (boxes.size() >= most) {
    boxes.resize(most);
    return boxes;
  }
  const auto& places = find(frame, caption).places;
  std::vector<size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return places[i]; });
  std::vector<Detection> unsorted;
  unsorted.reserve(boxes.size());
  for (const size_t i : order) unsorted.push_back(boxes[i]);
  return unsorted;
}

void Scene::forget() {
  detections_.clear();
  strips_.clear();
}

std::vector<std::shared_ptr<const Image>> Scene::images(const Clip& clip) {
  std::vector<std::shared_ptr<const Image>> images;
  for (const int frame : clip.frames) images.push_back(frames_.frame(frame));
  return images;
}

std::shared_ptr<const Image> Scene::strip(const Clip& clip) {
  if (!strips_.contains(clip.index) && strips_.size() >= kMostStrips) strips_.clear();
  auto& strip = strips_[clip.index];
  if (!strip) strip = std::make_shared<Image>(draw_strip(images(clip), options_.strip));
  return strip;
}

std::shared_ptr<const Image> Scene::strip_with_boxes(const Clip& clip, const MarkedBoxes& boxes) {
  return std::make_shared<Image>(draw_strip(images(clip), options_.strip, boxes));
}

}  // namespace alref::reasoning
