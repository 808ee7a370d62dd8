// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/ref_segmenter.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "perception/detector.h"
#include "perception/video_segmenter.h"
#include "reasoning/chat/responder.h"
#include "reasoning/reasoner.h"

namespace alref {

/// The reasoner that the options ask for. Throws Error(kInvalidArgument) for settings that do not
/// go together, and what opening the files throws.
std::unique_ptr<reasoning::Reasoner> make_reasoner(const RefOptions& options);

/// Where answers in words come from; shared by the two segmenters' options.
struct AnswerOptions {
  ReasonerKind kind = ReasonerKind::kRules;
  const ChatSettings& chat;
  const std::vector<std::string>& replay_files;
  const std::string& record_file;
  const std::string& answer_cache;
  const std::function<bool()>& cancelled;
};

/// The responder of kChat and kReplay; null for reasoners that ask no one.
std::unique_ptr<reasoning::Responder> make_responder(const AnswerOptions& options);

/// RefSegmenter on any networks.
class RefEngine {
 public:
  /// `identity` names the networks for resumed runs. All outlive the engine.
  RefEngine(Detector& detector, VideoSegmenter& segmenter, std::string identity,
            const RefOptions& options);
  ~RefEngine();

  std::vector<RefResult> segment(FrameSource& frames, std::span<const std::string> texts,
                                 MaskSink& masks);
  const RefCosts& costs() const { return costs_; }

 private:
  Detector& detector_;
  VideoSegmenter& segmenter_;
  std::string identity_;
  RefOptions options_;
  std::unique_ptr<reasoning::Reasoner> reasoner_;
  RefCosts costs_;
};

}  // namespace alref
