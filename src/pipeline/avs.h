// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/sound_source.h"
#include "alref/types.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perception/video_segmenter.h"
#include "pipeline/lbru.h"
#include "reasoning/scene.h"
#include "reasoning/sound/sound_reasoner.h"

namespace alref::pipeline {

struct AvsOptions {
  double moments_per_second = 1;  ///< a moment is what has one sampled frame and one set of labels
  double window_seconds = 10;     ///< a video is cut into equal windows of about this length
  size_t top_tags = 5;            ///< of each tagger
  bool single = false;            ///< only the first object counts (S4)
  std::vector<std::string> classes;  ///< labels are mapped to these; empty: they are not (AVSS)
  bool skip_silence = true;          ///< nothing sounds in a window without sound
  bool choose_box = true;            ///< else the best box by score, without question 2 (ablation)
  bool sound_segments = true;        ///< else every label sounds all the time (ablation)
  float box_threshold = 0.25f;
  std::optional<float> segment_threshold;  ///< none: Lbru::segment_threshold()
  /// Known segments of the whole video, in moments; they replace Lbru::segments().
  std::optional<std::vector<Segment>> segments;
  /// Labels that are known to sound; they take the tags' place (ablation: true labels).
  std::vector<std::string> known_labels;
};

/// One label in one window.
struct LabelTrace {
  std::string label;
  int frame = 0;                            ///< the pivot frame, in the video
  std::vector<Detection> boxes;             ///< those that were asked about
  std::optional<reasoning::Choice> choice;  ///< of the box; none where there was nothing to choose
  std::optional<int> box;                   ///< index into `boxes`; none: not to be seen, no masks
  size_t mask_area = 0;                     ///< of the box's mask, in pixels
  std::vector<int> further_frames;          ///< where it was lost: its masks start there, too
  std::optional<size_t> class_index;        ///< into AvsOptions::classes
};

/// What was found out about one window.
struct WindowTrace {
  int index = 0;
  int first_moment = 0;
  int first_frame = 0, last_frame = 0;  ///< frames [first, last] belong to it
  bool silent = false;
  reasoning::Clip clip;  ///< one frame a moment
  std::vector<AudioTag> tags;
  reasoning::SoundingChoice choice;
  std::vector<LabelTrace> labels;
  std::vector<Segment> segments;    ///< in moments of the window; empty where none were needed
  reasoning::ActiveObjects active;  ///< by moment of the window: indices into `labels`
  std::vector<float> peaks;         ///< largest amplitude in each tenth of a moment

  int moments() const { return static_cast<int>(clip.frames.size()); }
};

struct AvsSeconds {
  double sound = 0;      ///< reading, tagging, segments, labels in time
  double reasoning = 0;  ///< both questions, the detector included
  double prompting = 0;
  double forward = 0;
  double reverse = 0;
};

/// What a run tells while it goes on, window by window. Masks come forwards, then in reverse; a
/// label's pivot frame comes twice, those of a label that was lost come again, and the last word
/// counts. They are not yet limited to the
/// moments in which the label sounds.
struct AvsEvents {
  /// Before the window's masks.
  std::function<void(const WindowTrace& window)> on_window;
  std::function<void(const WindowTrace& window, size_t label, int frame, const FloatMap& logits,
                     float object_score)>
      on_masks;
  /// After them, with LabelTrace::further_frames.
  std::function<void(const WindowTrace& window)> on_window_end;
  std::function<void(std::string_view stage, int done, int total)> on_progress;
  std::function<bool()> cancelled;  ///< true ends the run with Error(kInterrupted)
};

struct AvsRun {
  std::vector<WindowTrace> windows;
  std::vector<int> moment_of;  ///< by frame
  AvsSeconds seconds;
};

/// AL-Ref-SAM 2 for sounds (arXiv:2408.15876, section 3.3; al-ref-sam2, avs/): per window of the
/// video tags, question 1, boxes, question 2, masks carried through the window, and the moments in
/// which each label is heard. `reference`: another recording whose sources are looked for instead
/// of the video's own sound; its labels count all the time. Throws what the reasoner, the networks,
/// the frames and the sound throw.
AvsRun run_avs(reasoning::Scene& scene, SoundSource* sound, const Waveform* reference,
               reasoning::SoundReasoner& reasoner, Lbru& lbru, VideoSegmenter& segmenter,
               const AvsOptions& options, const AvsEvents& events);

/// The moment of each frame, and for each moment the frame in its middle.
struct MomentMap {
  std::vector<int> moment_of;     ///< by frame
  std::vector<int> middle_frame;  ///< by moment
};
MomentMap map_moments(const FrameSource& frames, double moments_per_second);

/// Moments [first, second) of windows of equal length, of about `per_window` moments each.
std::vector<Segment> make_windows(int moments, double per_window);

}  // namespace alref::pipeline
