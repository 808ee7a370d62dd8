// SPDX-License-Identifier: Apache-2.0
#include "cli/segment_outputs.h"

#include <cstdio>
#include <future>

#include "core/atomic_file.h"
#include "outputs/cutout.h"
#include "outputs/mask_png.h"

namespace alref::cli {
namespace {

/// PNGs are written by the hundred: compressed fast rather than small.
constexpr int kFastPng = 1;

std::string palette_path(const std::string& dir, int frame) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/masks/%05d.png", frame);
  return dir + name.data();
}

}  // namespace

OutputWriter::OutputWriter(const SegmentOutputs& outputs, FrameSource& frames,
                           const std::string& video, const std::vector<std::string>& texts,
                           const std::string& sound)
    : outputs_(outputs), frames_(frames), json_(video, frames.width(), frames.height()) {
  for (const std::string& text : texts) json_.add_object(text);
  media::VideoWriterOptions options{.frame_rate = frames.frame_rate(), .sound = sound};
  if (outputs.overlay) {
    overlay_ = std::make_unique<outputs::OverlayWriter>(
        outputs.dir + "/overlay.mp4", frames.width(), frames.height(), texts, options);
  }
  if (outputs.cut_out == CutOut::kWebm || outputs.cut_out == CutOut::kMov) {
    const bool webm = outputs.cut_out == CutOut::kWebm;
    options.kind = webm ? media::VideoKind::kWebmAlpha : media::VideoKind::kMovAlpha;
    options.sound.clear();
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string path =
          outputs.dir + "/cutout/" + std::to_string(i) + (webm ? ".webm" : ".mov");
      create_folders(outputs.dir + "/cutout");
      cut_outs_.push_back(
          std::make_unique<media::VideoWriter>(path, frames.width(), frames.height(), options));
    }
  }
}

void OutputWriter::write(const FrameMasks& frame) {
  frame_count_ = frame.frame + 1;
  if (!overlay_ && outputs_.cut_out == CutOut::kNone) return write_masks(frame);
  // Masks on one thread, pictures on the other: neither touches what the other writes.
  auto masks = std::async(std::launch::async, [&] { write_masks(frame); });
  const auto image = frames_.frame(frame.frame);
  if (overlay_) overlay_->write(*image, frame.masks, frames_.time(frame.frame));
  write_cut_outs(frame, *image);
  masks.get();
}

void OutputWriter::write_masks(const FrameMasks& frame) {
  for (size_t i = 0; i < frame.masks.size(); ++i) {
    const int object = static_cast<int>(i);
    json_.add(object, frame.frame, frame.masks[i]);
    if (!outputs_.palette) {
      outputs::write_mask_png(outputs::mask_path(outputs_.dir, object, frame.frame),
                              frame.masks[i]);
    }
  }
  if (outputs_.palette) {
    write_file(palette_path(outputs_.dir, frame.frame),
               media::encode_png(outputs::merge_masks(frame.masks), kFastPng),
               Durability::kRenamed);
  }
}

void OutputWriter::write_cut_outs(const FrameMasks& frame, const Image& image) {
  for (size_t i = 0; i < frame.masks.size(); ++i) {
    if (outputs_.cut_out == CutOut::kPng) {
      outputs::write_cutout_png(
          outputs::cutout_path(outputs_.dir, static_cast<int>(i), frame.frame), image,
          frame.masks[i]);
    } else if (i < cut_outs_.size()) {
      cut_outs_[i]->write(outputs::cut_out(image, frame.masks[i]), frames_.time(frame.frame));
    }
  }
}

void OutputWriter::finish() {
  if (overlay_) overlay_->finish();
  for (const auto& cut_out : cut_outs_) cut_out->finish();
  write_file(outputs_.dir + "/masks.json", std::string_view(json_.text(frame_count_)));
}

std::vector<std::string> OutputWriter::written() const {
  std::vector<std::string> paths = {outputs_.dir + "/masks/", outputs_.dir + "/masks.json"};
  if (overlay_) paths.push_back(outputs_.dir + "/overlay.mp4");
  if (outputs_.cut_out != CutOut::kNone) paths.push_back(outputs_.dir + "/cutout/");
  return paths;
}

}  // namespace alref::cli
