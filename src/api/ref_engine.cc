// SPDX-License-Identifier: Apache-2.0
#include "api/ref_engine.h"

#include "alref/error.h"

#include <algorithm>
#include <utility>

#include "api/work_store.h"
#include "core/sha256.h"
#include "core/stopwatch.h"
#include "media/image_io.h"
#include "pipeline/rvos.h"

namespace alref {
namespace {

constexpr int kStripQuality = 80;
/// Logits of a thing that is not in the video at all: SAM 2's own value for "no object".
constexpr float kNoObject = -1024;

pipeline::RvosOptions rvos_options(const RefOptions& o) {
  pipeline::RvosOptions options;
  options.reverse = o.reverse;
  options.keep_features = o.keep_features;
  options.pivots.clips.step = o.step;
  options.pivots.clips.frames_per_clip = o.frames_per_clip;
  options.pivots.choose_frame = o.choose_frame;
  options.pivots.choose_box = o.choose_box;
  if (o.truth.chooses_frame) options.pivots.frame_oracle = o.truth.box;
  if (o.truth.chooses_box) options.pivots.box_oracle = o.truth.box;
  options.pivots.single_pivot = o.single_pivot;
  options.pivots.box_threshold = o.box_threshold;
  options.pivots.fallback_box_threshold = o.fallback_box_threshold;
  const bool empty = o.empty_without_pivot.value_or(o.reasoner == ReasonerKind::kRules);
  options.pivots.on_no_pivot =
      empty ? reasoning::OnNoPivot::kEmpty : reasoning::OnNoPivot::kFallback;
  return options;
}

void check(const RefOptions& o) {
  const auto check_threshold = [](const char* name, float value) {
    if (!(value >= reasoning::Scene::kLowestBoxThreshold && value <= 1)) {  // NaN fails too
      throw Error(ErrorKind::kInvalidArgument,
                  std::string(name) + ": expected 0.001 to 1, got " + std::to_string(value));
    }
  };
  check_threshold("box threshold", o.box_threshold);
  check_threshold("fallback box threshold", o.fallback_box_threshold);
  if (o.step < 1 || o.frames_per_clip < 1 || o.detect_every < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                "step, frames per clip and frames between two looks: expected at least 1, 1 and 0, "
                "got " +
                    std::to_string(o.step) + ", " + std::to_string(o.frames_per_clip) + " and " +
                    std::to_string(o.detect_every));
  }
}

std::string results_key(const RefOptions& o, const std::string& identity,
                        std::span<const std::string> texts) {
  std::string key = identity + "\n" + o.work_key + "\n";
  for (const std::string& text : texts) key += std::to_string(text.size()) + " " + text + "\n";
  for (const auto& number :
       {std::to_string(static_cast<int>(o.reasoner)), std::to_string(o.step),
        std::to_string(o.frames_per_clip), std::to_string(o.detect_every),
        std::to_string(o.box_threshold), std::to_string(o.fallback_box_threshold),
        std::to_string(o.empty_without_pivot ? 1 + *o.empty_without_pivot : 0),
        std::to_string(o.choose_frame), std::to_string(o.choose_box),
        std::to_string(o.single_pivot), std::to_string(o.reverse), std::to_string(o.keep_strips),
        std::to_string(o.truth.chooses_frame), std::to_string(o.truth.chooses_box),
        std::to_string(o.truth.detections != nullptr), std::to_string(o.chat.json_answers),
        o.chat.frame_model, o.chat.box_model}) {
    key += number + "\n";
  }
  for (const std::string& file : o.replay_files) key += file + "\n";
  return sha256_hex(key);
}

std::string reply_of(const std::optional<reasoning::Choice>& choice) {
  return choice ? choice->reply : std::string();
}
std::string question_of(const std::optional<reasoning::Choice>& choice) {
  return choice ? choice->question : std::string();
}

/// The clip's frames as the report shows them: with the boxes that there was a choice of, as far as
/// there are colours.
std::vector<uint8_t> strip_jpeg(reasoning::Scene& scene, const reasoning::ClipRecord& record) {
  if (!record.frame || record.boxes.empty())
    return media::encode_jpeg(*scene.strip(record.clip), kStripQuality);
  const auto& frames = record.clip.frames;
  const auto place = std::find(frames.begin(), frames.end(), *record.frame) - frames.begin();
  reasoning::MarkedBoxes marks{.frame = static_cast<int>(place) + 1, .boxes = {}};
  for (size_t i = 0; i < std::min(record.boxes.size(), reasoning::kBoxColours.size()); ++i) {
    marks.boxes.push_back(record.boxes[i].box);
  }
  return media::encode_jpeg(*scene.strip_with_boxes(record.clip, marks), kStripQuality);
}

RefResult to_result(reasoning::Scene& scene, const pipeline::RvosTrace& trace, bool with_strips) {
  RefResult result;
  result.text = trace.text;
  result.caption = trace.selection.caption;
  result.fallback = trace.selection.fallback;
  result.start = trace.start;
  for (const auto& [pivot, area] : trace.prompts)
    result.pivots.push_back({pivot.frame, pivot.detection, area});
  for (const reasoning::ClipRecord& record : trace.selection.clips) {
    RefClip& clip = result.clips.emplace_back();
    clip.index = record.clip.index;
    clip.frames = record.clip.frames;
    clip.frame_question = question_of(record.frame_choice);
    clip.frame_reply = reply_of(record.frame_choice);
    clip.pivot_frame = record.frame;
    clip.boxes = record.boxes;
    clip.box_question = question_of(record.box_choice);
    clip.box_reply = reply_of(record.box_choice);
    clip.pivot_box = record.box;
    if (with_strips) clip.strip_jpeg = strip_jpeg(scene, record);
  }
  return result;
}

void add_usage(const pipeline::RvosRun& run, RefCosts& costs) {
  reasoning::Usage sum;
  for (const auto& trace : run.traces) {
    for (const auto& record : trace.selection.clips) {
      if (record.frame_choice) sum += record.frame_choice->usage;
      if (record.box_choice) sum += record.box_choice->usage;
    }
  }
  costs.requests = sum.requests;
  costs.cached_answers = sum.cached;
  costs.prompt_tokens = sum.prompt_tokens;
  costs.completion_tokens = sum.completion_tokens;
  costs.money = sum.cost;
}

FloatMap no_object(int width, int height) {
  FloatMap map(width, height);
  std::fill(map.values.begin(), map.values.end(), kNoObject);
  return map;
}

}  // namespace

RefEngine::RefEngine(Detector& detector, VideoSegmenter& segmenter, std::string identity,
                     const RefOptions& options)
    : detector_(detector),
      segmenter_(segmenter),
      identity_(std::move(identity)),
      options_(options) {
  check(options);
  reasoner_ = make_reasoner(options);
}

RefEngine::~RefEngine() = default;

std::vector<RefResult> RefEngine::segment(FrameSource& frames, std::span<const std::string> texts,
                                          MaskSink& masks) {
  if (texts.empty())
    throw Error(ErrorKind::kInvalidArgument, "segment: expected at least one sentence");
  costs_ = {};
  WorkStore store(options_.keep_logits ? std::string() : options_.work_folder,
                  sha256_hex(identity_ + "\n" + options_.work_key),
                  results_key(options_, identity_, texts));
  const auto detect = [&](int frame, const Image& image, std::string_view caption, float box,
                          float text) {
    if (options_.truth.detections) return options_.truth.detections(frame, caption);
    return store.detections(frame, caption, [&] {
      // Rules look at many frames for one sentence: what a user waits for, and may want to stop.
      if (options_.on_progress)
        options_.on_progress("detector", static_cast<int>(costs_.detector_runs), 0);
      if (options_.cancelled && options_.cancelled())
        throw Error(ErrorKind::kInterrupted, "interrupted");
      const Stopwatch watch(costs_.detector_seconds);
      std::vector<Detection> found = detector_.detect(image, caption, {.box = box, .text = text});
      ++costs_.detector_runs;
      reasoning::Scene::keep_best(found);
      return found;
    });
  };
  reasoning::Scene scene(frames, detect, options_.video_name);
  const auto count = static_cast<size_t>(scene.frame_count());
  const int width = frames.width(), height = frames.height();

  std::vector<RefResult> results;
  std::vector<MaskTrack> tracks;
  std::vector<std::vector<FloatMap>> logits;
  if (auto known = store.load_results(width, height)) {
    results = results_from_text(known->first);
    tracks = std::move(known->second);
  } else {
    const MaskTrack nothing{.masks = std::vector(count, PackedMask(Mask(width, height))),
                            .scores = std::vector(count, kNoObject)};
    tracks.assign(texts.size(), nothing);
    if (options_.keep_logits)
      logits.assign(texts.size(), std::vector(count, no_object(width, height)));
    const int64_t encoded_before = segmenter_.encoder_runs();
    pipeline::RvosEvents events;
    events.on_masks = [&](size_t sentence, int frame, const FloatMap& map, float score) {
      const auto at = static_cast<size_t>(frame);
      tracks[sentence].masks[at] = PackedMask(positive(map));
      tracks[sentence].scores[at] = score;
      if (options_.keep_logits) logits[sentence][at] = map;
    };
    events.on_progress = options_.on_progress;
    events.cancelled = options_.cancelled;
    const pipeline::RvosRun run =
        pipeline::run_rvos(scene, *reasoner_, segmenter_, texts, rvos_options(options_), events);
    for (const auto& trace : run.traces)
      results.push_back(to_result(scene, trace, options_.keep_strips));
    costs_.reasoning_seconds = run.seconds.reasoning - costs_.detector_seconds;
    costs_.prompting_seconds = run.seconds.prompting;
    costs_.forward_seconds = run.seconds.forward;
    costs_.reverse_seconds = run.seconds.reverse;
    costs_.encoder_runs = segmenter_.encoder_runs() - encoded_before;
    add_usage(run, costs_);
    store.save_results(results_to_text(results), tracks);
  }

  for (size_t i = 0; i < results.size(); ++i) {
    results[i].object_scores = tracks[i].scores;
    for (const PackedMask& mask : tracks[i].masks) results[i].mask_areas.push_back(mask.area());
  }
  for (size_t frame = 0; frame < count; ++frame) {
    if (options_.on_progress)
      options_.on_progress("outputs", static_cast<int>(frame), static_cast<int>(count));
    if (options_.cancelled && options_.cancelled())
      throw Error(ErrorKind::kInterrupted, "interrupted");
    std::vector<Mask> now;
    std::vector<float> scores;
    std::vector<FloatMap> maps;
    for (size_t i = 0; i < tracks.size(); ++i) {
      now.push_back(tracks[i].masks[frame].unpack());
      scores.push_back(tracks[i].scores[frame]);
      if (options_.keep_logits) maps.push_back(std::move(logits[i][frame]));
    }
    masks.write({.frame = static_cast<int>(frame), .masks = now, .scores = scores, .logits = maps});
  }
  return results;
}

}  // namespace alref
