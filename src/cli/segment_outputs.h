// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/ref_segmenter.h"

#include <memory>
#include <string>
#include <vector>

#include "media/video_writer.h"
#include "outputs/coco_rle.h"
#include "outputs/overlay.h"

namespace alref::cli {

enum class CutOut { kNone, kPng, kWebm, kMov };

struct SegmentOutputs {
  std::string dir;
  bool overlay = true;
  bool palette = false;  ///< one palette PNG a frame instead of a folder a sentence
  CutOut cut_out = CutOut::kNone;
};

/// Writes every kind of output that was asked for, frame by frame. Files appear under their names
/// when they are whole.
class OutputWriter : public MaskSink {
 public:
  /// `sound`: a file whose sound the overlay gets; empty: none.
  OutputWriter(const SegmentOutputs& outputs, FrameSource& frames, const std::string& video,
               const std::vector<std::string>& texts, const std::string& sound);

  void write(const FrameMasks& frame) override;
  /// Ends the videos and writes masks.json.
  void finish();
  /// What there is now, as paths for people.
  std::vector<std::string> written() const;

 private:
  void write_masks(const FrameMasks& frame);
  void write_cut_outs(const FrameMasks& frame, const Image& image);

  SegmentOutputs outputs_;
  FrameSource& frames_;
  outputs::MasksJson json_;
  std::unique_ptr<outputs::OverlayWriter> overlay_;
  std::vector<std::unique_ptr<media::VideoWriter>>
      cut_outs_;  ///< one a sentence, for the kinds that are videos
  int frame_count_ = 0;
};

}  // namespace alref::cli
