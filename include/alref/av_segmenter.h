// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/audio.h"
#include "alref/frame_source.h"
#include "alref/models.h"
#include "alref/ref_segmenter.h"
#include "alref/sound_source.h"
#include "alref/types.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace alref {

struct AvOptions {
  ReasonerKind reasoner = ReasonerKind::kRules;
  ChatSettings chat = {};
  std::vector<std::string> replay_files;  ///< recordings, or the method's authors' reply files
  std::string record_file;                ///< each question and answer is appended to it
  std::string answer_cache;               ///< an SQLite file of paid answers; empty: none

  /// The video is cut into equal windows of about `window_seconds`, each asked about for itself.
  /// A moment is 1 / moments_per_second long: one of its frames is looked at, and it has one set of
  /// labels. AVSBench: 1 a second, one window.
  double window_seconds = 10;
  double moments_per_second = 1;
  int top_tags = 5;          ///< of each tagger
  bool single = false;       ///< one sounding object only (AVSBench S4)
  bool semantic = false;     ///< labels get one of AVSBench's 70 classes
  bool skip_silence = true;  ///< nothing is asked about a window without sound
  float box_threshold = 0.25f;
  /// Where the cosine of two successive moments' class probabilities is lower, the sound changes.
  /// None: what the tagger's file says was calibrated for it, else the paper's 0.5.
  std::optional<float> segment_threshold;
  /// JSON, {video: [[begin, end], ...]} in moments: where the sound changes, for videos in it.
  std::string segments_file;

  bool choose_box = true;                 ///< else the best box, without question 2
  bool sound_segments = true;             ///< else every label sounds all the time
  std::vector<std::string> known_labels;  ///< take the tags' place

  std::string video_name;    ///< for reports, imported replies and segments
  bool keep_strips = false;  ///< AvWindow::strip_jpeg

  /// A folder for what a killed run needs to go on: detections, and masks once all are there;
  /// empty: none. What lies there is used only for the same `work_key`, models, options and
  /// reference sound.
  std::string work_folder;
  std::string work_key;  ///< names the content of the video and of its sound

  std::function<void(std::string_view stage, int done, int total)> on_progress;
  std::function<bool()> cancelled;  ///< true ends a run with Error(kInterrupted)
};

/// A kind of thing that sounds somewhere in the video.
struct AvLabel {
  std::string name;
  int class_index = 0;  ///< 1-70, of AVSBench's classes; 0 without AvOptions::semantic

  friend bool operator==(const AvLabel&, const AvLabel&) = default;
};

/// One label in one window, and where its masks started from.
struct AvObject {
  size_t label = 0;     ///< index into AvResult::labels
  int pivot_frame = 0;  ///< 0-based, in the video
  std::vector<Detection> boxes;
  std::string question, reply;      ///< of the box; empty where there was nothing to choose
  std::optional<int> pivot_box;     ///< index into `boxes`; none: it is not to be seen
  size_t mask_area = 0;             ///< of the box's mask, in pixels
  std::vector<int> further_frames;  ///< where it was lost: its masks start there, too (rules)
};

/// What was found out about one window of the video.
struct AvWindow {
  int index = 0;
  int first_moment = 0, moments = 0;
  int first_frame = 0, last_frame = -1;
  std::vector<int> frames;  ///< those that were looked at, one a moment
  bool silent = false;
  std::vector<AudioTag> tags;
  std::string question, reply;
  std::vector<AvObject> objects;
  std::vector<std::pair<int, int>> segments;  ///< [begin, end) moments of the window
  std::vector<uint8_t> strip_jpeg;
};

struct AvResult {
  double moments_per_second = 1;
  std::vector<AvLabel> labels;  ///< in the order in which they were first named
  std::vector<AvWindow> windows;
  std::vector<std::vector<size_t>> active;      ///< by moment of the video: the labels that sound
  std::vector<int> moment_of;                   ///< by frame
  std::vector<float> peaks;                     ///< largest amplitude in each tenth of a moment
  std::vector<std::vector<size_t>> mask_areas;  ///< [labels][frames], in pixels
};

/// The masks of one frame, one entry a label.
struct AvFrameMasks {
  int frame = 0;
  std::span<const Mask> masks;  ///< [H, W]; all 0 where the label does not sound or is not seen
  /// Indices of the labels that sound, the ones on top last.
  std::span<const size_t> order;
};

/// Receives every frame of a video once, in order, after it was told what sounds in it.
class AvMaskSink {
 public:
  virtual ~AvMaskSink() = default;
  virtual void begin(std::span<const AvLabel> labels) = 0;
  virtual void write(const AvFrameMasks& frame) = 0;
};

/// What a run cost.
struct AvCosts : RefCosts {
  double sound_seconds = 0;  ///< reading and understanding the sound
};

/// Masks of what makes a video's sound, moment by moment.
/// Method: AL-Ref-SAM 2 (AAAI 2025, arXiv:2408.15876), its audio half: BEATs names what is heard, a
/// reasoner says which of it is to be seen, on which frame best, and in which of the detector's
/// boxes; SAM 2 carries those boxes' masks through the window; LanguageBind (or the rules) says in
/// which moments each label is heard, and only there its masks count.
///
/// Threads: one call at a time per AvSegmenter; several may share one Models if they take turns.
class AvSegmenter {
 public:
  explicit AvSegmenter(std::shared_ptr<Models> models, const AvOptions& options = {});
  ~AvSegmenter();
  AvSegmenter(AvSegmenter&&) noexcept;
  AvSegmenter& operator=(AvSegmenter&&) noexcept;

  /// @param frames  frames of one size, seekable and of known number; never held whole.
  /// @param sound   the video's sound, from the same start; read window by window.
  /// @throws Error  kInvalidArgument: settings that do not go together. kInput: unreadable frames
  ///                or sound. kReasoner: the reasoner could not be asked. kInterrupted.
  AvResult segment(FrameSource& frames, SoundSource& sound, AvMaskSink& masks);

  /// Masks of what sounds like another recording, throughout the video.
  AvResult segment_like(FrameSource& frames, const Waveform& reference, AvMaskSink& masks);

  /// Of the last call.
  const AvCosts& costs() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alref
