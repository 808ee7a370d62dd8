// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/av_segmenter.h"
#include "alref/ref_segmenter.h"

#include <memory>
#include <string>
#include <vector>

#include "cli/segment_outputs.h"
#include "core/packed_mask.h"

namespace alref::cli {

/// Writes what sounds, and what sentences refer to, as objects of one video: first the labels, then
/// the sentences. With sentences, the sounds' masks wait (run lengths) until those of the sentences
/// come.
class ListenWriter : public AvMaskSink, public MaskSink {
 public:
  ListenWriter(const SegmentOutputs& outputs, FrameSource& frames, std::string video,
               std::string sound, bool class_maps, std::vector<std::string> texts);

  void begin(std::span<const AvLabel> labels) override;
  void write(const AvFrameMasks& frame) override;
  void write(const FrameMasks& frame) override;
  void finish() { writer_->finish(); }
  std::vector<std::string> written() const;

 private:
  SegmentOutputs outputs_;
  FrameSource& frames_;
  std::string video_;
  std::string sound_;
  bool class_maps_;
  std::vector<std::string> texts_;
  std::vector<int> classes_;                      ///< by label
  std::vector<std::vector<PackedMask>> waiting_;  ///< [frames][labels]
  std::unique_ptr<OutputWriter> writer_;
};

}  // namespace alref::cli
