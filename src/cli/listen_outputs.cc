// SPDX-License-Identifier: Apache-2.0
#include "cli/listen_outputs.h"

#include "core/atomic_file.h"
#include "media/image_io.h"
#include "outputs/class_map.h"

namespace alref::cli {
namespace {

constexpr int kFastPng = 1;

}  // namespace

ListenWriter::ListenWriter(const SegmentOutputs& outputs, FrameSource& frames, std::string video,
                           std::string sound, bool class_maps, std::vector<std::string> texts)
    : outputs_(outputs),
      frames_(frames),
      video_(std::move(video)),
      sound_(std::move(sound)),
      class_maps_(class_maps),
      texts_(std::move(texts)) {}

void ListenWriter::begin(std::span<const AvLabel> labels) {
  std::vector<std::string> names;
  for (const AvLabel& label : labels) {
    names.push_back(label.name);
    classes_.push_back(label.class_index);
  }
  names.insert(names.end(), texts_.begin(), texts_.end());
  writer_ = std::make_unique<OutputWriter>(outputs_, frames_, video_, names, sound_);
}

void ListenWriter::write(const AvFrameMasks& frame) {
  if (class_maps_) {
    const auto map = outputs::merge_classes(frame.masks, classes_, frame.order, frames_.width(),
                                            frames_.height());
    write_file(outputs::class_map_path(outputs_.dir, frame.frame), media::encode_png(map, kFastPng),
               Durability::kRenamed);
  }
  if (texts_.empty()) {
    writer_->write({.frame = frame.frame, .masks = frame.masks, .scores = {}, .logits = {}});
    return;
  }
  auto& masks = waiting_.emplace_back();
  for (const Mask& mask : frame.masks) masks.emplace_back(mask);
}

void ListenWriter::write(const FrameMasks& frame) {
  std::vector<Mask> masks;
  for (const PackedMask& mask : waiting_.at(static_cast<size_t>(frame.frame)))
    masks.push_back(mask.unpack());
  masks.insert(masks.end(), frame.masks.begin(), frame.masks.end());
  writer_->write({.frame = frame.frame, .masks = masks, .scores = {}, .logits = {}});
}

std::vector<std::string> ListenWriter::written() const {
  std::vector<std::string> files = writer_->written();
  if (class_maps_) files.push_back(outputs_.dir + "/classes/");
  return files;
}

}  // namespace alref::cli
