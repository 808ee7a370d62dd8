// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/frame_source.h"
#include "alref/models.h"
#include "alref/types.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alref {

/// Who chooses pivot frames and pivot boxes.
enum class ReasonerKind {
  kRules,   ///< a grammar and measurements: offline, deterministic, may say that nothing is meant
  kChat,    ///< a language model with eyes behind an OpenAI-compatible server
  kReplay,  ///< recorded answers; asks no one
  kFirst,   ///< the paper's baseline: the detector's best box on frame 0
};

/// A server with /v1/chat/completions, and how it is asked.
struct ChatSettings {
  /// http(s)://HOST[:PORT][/PATH]; from options or a config file, never from what is processed.
  std::string url;
  std::string key;  ///< goes to that host only; never logged, cached or recorded
  std::string frame_model = "gpt-4-turbo-2024-04-09";  ///< the paper's, for pivot frames
  std::string box_model = "gpt-4o-2024-05-13";         ///< the paper's, for pivot boxes
  bool json_answers = false;  ///< ask for JSON by schema, where the server can
  double timeout_seconds = 120;
  int tries = 3;
  int parallel = 4;           ///< requests in flight
  int max_image_side = 2048;  ///< pictures are scaled down to this
  int jpeg_quality = 90;
  size_t max_answer_bytes = size_t{1} << 20;
  int max_calls = 0;        ///< of one segmenter; 0: no limit
  double max_cost = 0;      ///< the same, in the prices' currency
  double prompt_price = 0;  ///< of a million tokens
  double completion_price = 0;
};

/// The method's settings; the defaults are the paper's.
struct RefOptions {
  ReasonerKind reasoner = ReasonerKind::kRules;
  ChatSettings chat = {};
  std::vector<std::string> replay_files;  ///< recordings, or the method's authors' reply files
  std::string record_file;                ///< each question and answer is appended to it
  std::string answer_cache;               ///< an SQLite file of paid answers; empty: none

  int step = 10;            ///< every step-th frame is sampled, at least 1
  int frames_per_clip = 5;  ///< sampled frames in a clip, at least 1
  int detect_every = 0;     ///< frames between two looks of kRules; 0: 1-5, by the video's length
  float box_threshold = 0.25f;            ///< in [0.001, 1]; a box's score must be above it
  float fallback_box_threshold = 0.001f;  ///< the paper takes 0.1 on Ref-DAVIS17
  /// Without any pivot: true, empty masks; false, the best box of frame 0. Unset: true for kRules,
  /// else false.
  std::optional<bool> empty_without_pivot;

  bool choose_frame = true;  ///< else the first sampled frame of each clip
  bool choose_box = true;    ///< else the best box
  bool single_pivot = false;
  bool reverse = true;  ///< else frames before the middle pivot stay empty

  /// Experiments with known truth, which replaces a part of the method.
  struct Truth {
    /// Of what a sentence means on a frame, in pixels; none where it is not to be seen.
    std::function<std::optional<Box>(std::string_view text, int frame)> box;
    bool chooses_frame = false;  ///< the sampled frame of a clip that shows most of it
    bool chooses_box = false;    ///< of the detected boxes the one that overlaps it most
    /// Boxes in place of the detector's; empty: the detector's.
    std::function<std::vector<Detection>(int frame, std::string_view caption)> detections;
  };
  Truth truth = {};

  std::string video_name;  ///< for reports and imported replies
  /// Hand logits to the sink, too; costs 4 bytes a pixel, frame and sentence.
  bool keep_logits = false;
  bool keep_strips = false;  ///< RefClip::strip_jpeg
  /// Whether features of all frames are kept, as far as they fit, for later runs on the same video;
  /// else only those that this run needs again.
  bool keep_features = true;
  /// A folder in which a run keeps what it has found out, so that a killed one continues; empty:
  /// none. What lies there is used only for the same `work_key`, models and options. Removed by the
  /// caller.
  std::string work_folder;
  std::string work_key;  ///< names the video's content

  /// Stages: pivots (done of so many sentences), detector (frames looked at; their number is not
  /// known, 0), prompts (pivots), forward and reverse (frames of all sentences), outputs (frames).
  std::function<void(std::string_view stage, int done, int total)> on_progress;
  std::function<bool()> cancelled;  ///< true ends a run with Error(kInterrupted)
};

/// The masks of one frame, one entry a sentence in the order in which they were given.
struct FrameMasks {
  int frame = 0;
  std::span<const Mask> masks;       ///< [H, W], 1 on the object; all 0 where it is not visible
  std::span<const float> scores;     ///< logit of the object being visible
  std::span<const FloatMap> logits;  ///< empty without RefOptions::keep_logits
};

/// Receives every frame of a video once, in order.
class MaskSink {
 public:
  virtual ~MaskSink() = default;
  virtual void write(const FrameMasks& frame) = 0;
};

/// Where SAM 2 started from.
struct RefPivot {
  int frame = 0;  ///< 0-based
  /// Box (x0, y0, x1, y1) in pixels, half-open, its score in [0, 1] and its phrase.
  Detection detection;
  size_t mask_area = 0;  ///< of the box's mask, in pixels
};

/// What was found out about one clip.
struct RefClip {
  int index = 0;
  std::vector<int> frames;                  ///< the sampled ones, 0-based in the video
  std::string frame_question, frame_reply;  ///< the question is empty where none was asked in words
  std::optional<int> pivot_frame;           ///< 0-based in the video
  std::vector<Detection> boxes;             ///< those that were asked about, best first
  std::string box_question, box_reply;
  std::optional<int> pivot_box;     ///< index into `boxes`
  std::vector<uint8_t> strip_jpeg;  ///< with RefOptions::keep_strips: frames and boxes, as a JPEG
};

/// What was found out about one sentence.
struct RefResult {
  std::string text;
  std::string caption;           ///< what the detector was asked for
  std::vector<RefPivot> pivots;  ///< by frame; none if the sentence refers to nothing in the video
  bool fallback = false;  ///< whether the pivot is the best box of frame 0, for want of another
  int start = -1;         ///< the frame from which masks were carried both ways
  std::vector<RefClip> clips;
  std::vector<size_t> mask_areas;    ///< by frame, in pixels
  std::vector<float> object_scores;  ///< by frame, logits of the object being visible
};

/// What a run cost.
struct RefCosts {
  double reasoning_seconds = 0;  ///< choosing pivots, without the detector
  double detector_seconds = 0;
  double prompting_seconds = 0;
  double forward_seconds = 0;
  double reverse_seconds = 0;
  double network_seconds = 0;  ///< what of all these the networks took
  int64_t detector_runs = 0;
  int64_t encoder_runs = 0;  ///< of SAM 2's image encoder
  int requests = 0;          ///< to a chat server
  int cached_answers = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  double money = 0;

  /// The five stages together.
  double stage_seconds() const {
    return reasoning_seconds + detector_seconds + prompting_seconds + forward_seconds +
           reverse_seconds;
  }
};

/// Masks, in every frame, of the objects that sentences refer to.
/// Method: AL-Ref-SAM 2 (AAAI 2025, arXiv:2408.15876): a reasoner picks one pivot frame a clip and
/// one detected box in it; SAM 2 carries those boxes' masks forwards and backwards through the
/// video.
///
/// Threads: one call at a time per RefSegmenter; several may share one Models if they take turns.
/// Repeatable: the same answers, models and thread count give the same masks on one machine.
class RefSegmenter {
 public:
  /// Opens the reasoner: reads replay files, opens record file and answer cache.
  /// @throws Error  kInvalidArgument: settings that do not go together, such as kChat without a
  ///                URL; a number out of range. kInput: an unreadable replay file.
  ///                kOutput: a record file or answer cache that cannot be written.
  explicit RefSegmenter(std::shared_ptr<Models> models, const RefOptions& options = {});
  ~RefSegmenter();
  RefSegmenter(RefSegmenter&&) noexcept;
  RefSegmenter& operator=(RefSegmenter&&) noexcept;

  /// @param frames  frames of one size, [H, W, 3], 8-bit sRGB, seekable and of known number; read
  ///                one by one as they are needed, several times, never held whole.
  /// @param text    English, UTF-8, at most 256 words and 256 tokens of the detector; longer is an
  ///                error, never cut.
  /// @param masks   receives, for every frame in order, a mask [H, W], 1 on the object, all 0
  ///                where it is not visible.
  /// @return  the pivots and how they came about; no pivots if the sentence refers to nothing in
  ///          the video (then all masks are empty).
  /// @throws Error  kInvalidArgument: empty or too long text.
  ///                kInput: frames that cannot be read, or are a stream.
  ///                kReasoner: the reasoner could not be asked; what() says what the last try met.
  ///                kOutput: the work folder cannot be written.
  ///                kInterrupted: RefOptions::cancelled said so.
  ///                What `masks` throws passes through.
  RefResult segment(FrameSource& frames, std::string_view text, MaskSink& masks);

  /// The same, with a function in place of a sink.
  RefResult segment(FrameSource& frames, std::string_view text,
                    const std::function<void(const FrameMasks&)>& on_masks);

  /// The same for several sentences, one object each, which share decoding, detections, strips and
  /// image features: SAM 2 encodes a frame once while the video's features fit
  /// ModelOptions::feature_cache_bytes, else at most once a direction and once for its pivots; the
  /// detector looks at a frame once a caption.
  /// @param texts  at least one; the masks come in their order.
  std::vector<RefResult> segment(FrameSource& frames, std::span<const std::string> texts,
                                 MaskSink& masks);

  /// Of the last call; zeros before the first.
  const RefCosts& costs() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alref
