// SPDX-License-Identifier: Apache-2.0
#include "api/av_engine.h"

#include "alref/error.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "api/read_segments.h"
#include "api/sound_results.h"
#include "core/avs_classes.h"
#include "core/sha256.h"
#include "core/stopwatch.h"
#include "media/image_io.h"
#include "reasoning/scene.h"

namespace alref {
namespace {

constexpr int kStripQuality = 80;
constexpr int kSampleRate = 16000;
/// Frames narrower than this get the small figures of S4's and MS3's 224-pixel frames.
constexpr int kSmallFrame = 320;

reasoning::SceneOptions scene_options(const FrameSource& frames) {
  reasoning::SceneOptions options;
  options.text_threshold = 0.25f;
  options.strip = {.columns = 5, .number_centre = 50, .number_radius = 40, .box_number_radius = 30};
  if (frames.width() < kSmallFrame) {
    options.strip.number_centre = 20;
    options.strip.number_radius = 15;
    options.strip.box_number_radius = 8;
  }
  return options;
}

pipeline::AvsOptions avs_options(const AvOptions& o) {
  pipeline::AvsOptions options;
  options.moments_per_second = o.moments_per_second;
  options.window_seconds = o.window_seconds;
  options.top_tags = static_cast<size_t>(std::max(1, o.top_tags));
  options.single = o.single;
  if (o.semantic) options.classes.assign(kAvsClasses.begin(), kAvsClasses.end());
  // Recorded answers tell of every video, of silent ones, too.
  options.skip_silence = o.skip_silence && o.reasoner != ReasonerKind::kReplay;
  options.choose_box = o.choose_box;
  options.sound_segments = o.sound_segments;
  options.box_threshold = o.box_threshold;
  options.segment_threshold = o.segment_threshold;
  if (!o.segments_file.empty()) options.segments = read_segments(o.segments_file, o.video_name);
  options.known_labels = o.known_labels;
  return options;
}

/// All that a run's masks and report depend on.
std::string results_key(const AvOptions& o, const pipeline::AvsOptions& method,
                        const std::string& identity, const Waveform* reference) {
  std::string key = identity + "\n" + o.work_key + "\n" + o.video_name + "\n";
  for (const double number :
       {static_cast<double>(o.reasoner), method.moments_per_second, method.window_seconds,
        static_cast<double>(method.top_tags), static_cast<double>(method.single),
        static_cast<double>(o.semantic), static_cast<double>(method.skip_silence),
        static_cast<double>(method.choose_box), static_cast<double>(method.sound_segments),
        static_cast<double>(method.box_threshold),
        static_cast<double>(method.segment_threshold.value_or(-2)),
        static_cast<double>(o.keep_strips), static_cast<double>(o.chat.json_answers)}) {
    key += std::to_string(number) + "\n";
  }
  for (const std::string& text : o.known_labels)
    key += std::to_string(text.size()) + " " + text + "\n";
  for (const auto& [begin, end] : method.segments.value_or(std::vector<pipeline::Segment>()))
    key += std::to_string(begin) + "-" + std::to_string(end) + "\n";
  for (const std::string& file : o.replay_files) key += file + "\n";
  key += o.chat.frame_model + "\n" + o.chat.box_model + "\n";
  Sha256 sha;
  sha.update(key);
  if (reference) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(reference->samples.data());
    sha.update(std::span(bytes, reference->samples.size() * sizeof(float)));
  }
  return sha.hex_digest();
}

/// Leaves the best Scene::kMostBoxes; they stay in the detector's order, which question 2 shows.
void keep_best_in_order(std::vector<Detection>& boxes) {
  if (boxes.size() <= reasoning::Scene::kMostBoxes) return;
  std::vector<size_t> places(boxes.size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::ranges::stable_sort(places, std::greater<>(), [&](size_t i) { return boxes[i].score; });
  places.resize(reasoning::Scene::kMostBoxes);
  std::ranges::sort(places);
  for (size_t i = 0; i < places.size(); ++i) boxes[i] = boxes[places[i]];
  boxes.resize(places.size());
}

std::vector<uint8_t> strip_jpeg(reasoning::Scene& scene, const pipeline::WindowTrace& window) {
  for (const auto& label : window.labels) {
    if (label.boxes.empty()) continue;
    const auto& frames = window.clip.frames;
    const auto place = std::ranges::find(frames, label.frame) - frames.begin();
    reasoning::MarkedBoxes marks{.frame = static_cast<int>(place) + 1, .boxes = {}};
    for (const Detection& d : label.boxes) marks.boxes.push_back(d.box);
    return media::encode_jpeg(*scene.strip_with_boxes(window.clip, marks), kStripQuality);
  }
  return media::encode_jpeg(*scene.strip(window.clip), kStripQuality);
}

std::string text_of(const std::optional<reasoning::Choice>& choice,
                    std::string reasoning::Choice::*field) {
  return choice ? (*choice).*field : std::string();
}

/// A run's result without its masks' areas, and its masks while nothing says when they count.
struct Findings {
  AvResult result;
  std::vector<MaskTrack> tracks;  ///< by label
};

/// What a run has found, window by window, label by label.
class Collector {
 public:
  Collector(FrameSource& frames, const AvOptions& options) : options_(options) {
    result_.moments_per_second = options.moments_per_second;
    const auto count = static_cast<size_t>(frames.frame_count().value_or(0));
    nothing_ = {.masks = std::vector(count, PackedMask(Mask(frames.width(), frames.height()))),
                .scores = std::vector<float>(count)};
  }

  void add_window(reasoning::Scene& scene, const pipeline::WindowTrace& trace) {
    AvWindow& window = result_.windows.emplace_back();
    window.index = trace.index;
    window.first_moment = trace.first_moment;
    window.moments = trace.moments();
    window.first_frame = trace.first_frame;
    window.last_frame = trace.last_frame;
    window.frames = trace.clip.frames;
    window.silent = trace.silent;
    window.tags = trace.tags;
    window.question = trace.choice.question;
    window.reply = trace.choice.reply;
    window.segments = trace.segments;
    if (options_.keep_strips) window.strip_jpeg = strip_jpeg(scene, trace);
    for (const auto& label : trace.labels) {
      AvObject& object = window.objects.emplace_back();
      object.label = label_index(label);
      object.pivot_frame = label.frame;
      object.boxes = label.boxes;
      object.question = text_of(label.choice, &reasoning::Choice::question);
      object.reply = text_of(label.choice, &reasoning::Choice::reply);
      object.pivot_box = label.box;
      object.mask_area = label.mask_area;
    }
    result_.peaks.insert(result_.peaks.end(), trace.peaks.begin(), trace.peaks.end());
    for (const auto& now : trace.active) {
      auto& active = result_.active.emplace_back();
      for (const size_t i : now) active.push_back(window.objects[i].label);
    }
  }

  void end_window(const pipeline::WindowTrace& trace) {
    auto& objects = result_.windows.back().objects;
    for (size_t i = 0; i < objects.size(); ++i)
      objects[i].further_frames = trace.labels[i].further_frames;
  }

  void add_mask(size_t object, int frame, const FloatMap& logits, float score) {
    MaskTrack& track = tracks_[result_.windows.back().objects[object].label];
    track.masks[static_cast<size_t>(frame)] = PackedMask(positive(logits));
    track.scores[static_cast<size_t>(frame)] = score;
  }

  Findings finish(std::vector<int> moment_of) {
    result_.moment_of = std::move(moment_of);
    return {std::move(result_), std::move(tracks_)};
  }

 private:
  size_t label_index(const pipeline::LabelTrace& trace) {
    const AvLabel label{trace.label,
                        trace.class_index ? static_cast<int>(*trace.class_index) + 1 : 0};
    const auto known = std::ranges::find(result_.labels, label);
    if (known != result_.labels.end()) return static_cast<size_t>(known - result_.labels.begin());
    result_.labels.push_back(label);
    tracks_.push_back(nothing_);
    return result_.labels.size() - 1;
  }

  const AvOptions& options_;
  AvResult result_;
  MaskTrack nothing_;
  std::vector<MaskTrack> tracks_;  ///< by label
};

/// Hands every frame's masks over, each label's only in the moments in which it sounds.
AvResult hand_over(Findings findings, const FrameSource& frames, const AvOptions& options,
                   AvMaskSink& sink) {
  AvResult& result = findings.result;
  sink.begin(result.labels);
  const size_t labels = result.labels.size(), count = result.moment_of.size();
  result.mask_areas.assign(labels, std::vector<size_t>(count));
  for (size_t frame = 0; frame < count; ++frame) {
    if (options.on_progress)
      options.on_progress("outputs", static_cast<int>(frame), static_cast<int>(count));
    if (options.cancelled && options.cancelled())
      throw Error(ErrorKind::kInterrupted, "interrupted");
    const auto& active = result.active[static_cast<size_t>(result.moment_of[frame])];
    std::vector<Mask> masks(labels, Mask(frames.width(), frames.height()));
    for (const size_t label : active) {
      const PackedMask& mask = findings.tracks[label].masks[frame];
      masks[label] = mask.unpack();
      result.mask_areas[label][frame] = mask.area();
    }
    sink.write({.frame = static_cast<int>(frame), .masks = masks, .order = active});
  }
  return std::move(result);
}

void add_usage(const pipeline::AvsRun& run, AvCosts& costs) {
  reasoning::Usage sum;
  for (const auto& window : run.windows) {
    sum += window.choice.usage;
    for (const auto& label : window.labels) {
      if (label.choice) sum += label.choice->usage;
    }
  }
  costs.requests = sum.requests;
  costs.cached_answers = sum.cached;
  costs.prompt_tokens = sum.prompt_tokens;
  costs.completion_tokens = sum.completion_tokens;
  costs.money = sum.cost;
}

void check(const AvOptions& o) {
  if (!(o.moments_per_second > 0 && o.moments_per_second <= 1000) ||
      !(o.window_seconds * o.moments_per_second >= 1 && o.window_seconds <= 3600) ||
      o.window_seconds * o.moments_per_second > 50) {
    throw Error(ErrorKind::kInvalidArgument,
                "sound: expected windows of 1 to 50 moments and at most 3600 s, got " +
                    std::to_string(o.window_seconds) + " s of " +
                    std::to_string(o.moments_per_second) + " moments a second");
  }
}

}  // namespace

AvEngine::AvEngine(Detector& detector, VideoSegmenter& segmenter,
                   const pipeline::Listeners& listeners, std::string identity,
                   const AvOptions& options)
    : detector_(detector),
      segmenter_(segmenter),
      lbru_(listeners),
      identity_(std::move(identity)),
      options_(options),
      reasoner_(make_sound_reasoner(options)) {
  check(options);
}

AvEngine::~AvEngine() = default;

std::vector<Detection> AvEngine::detect(WorkStore& store, int frame, const Image& image,
                                        std::string_view caption,
                                        const DetectionThresholds& thresholds) {
  return store.detections(frame, caption, [&] {
    const Stopwatch watch(costs_.detector_seconds);
    ++costs_.detector_runs;
    std::vector<Detection> found = detector_.detect(image, caption, thresholds);
    keep_best_in_order(found);
    return found;
  });
}

AvResult AvEngine::segment(FrameSource& frames, SoundSource* sound, const Waveform* reference,
                           AvMaskSink& masks) {
  if (reference && (reference->sample_rate != kSampleRate || reference->channels != 1)) {
    throw Error(ErrorKind::kInvalidArgument, "reference sound: expected mono at 16000 Hz, got " +
                                                 std::to_string(reference->channels) +
                                                 " channels at " +
                                                 std::to_string(reference->sample_rate) + " Hz");
  }
  costs_ = {};
  const pipeline::AvsOptions method = avs_options(options_);
  WorkStore store(options_.work_folder, sha256_hex(identity_ + "\n" + options_.work_key),
                  results_key(options_, method, identity_, reference));
  if (auto known = store.load_results(frames.width(), frames.height())) {
    return hand_over({sound_result_from_text(known->first), std::move(known->second)}, frames,
                     options_, masks);
  }
  reasoning::Scene scene(
      frames,
      [&](int frame, const Image& image, std::string_view caption, float box, float text) {
        return detect(store, frame, image, caption, {.box = box, .text = text});
      },
      options_.video_name, scene_options(frames));
  Collector collector(frames, options_);
  const int64_t encoded_before = segmenter_.encoder_runs();
  pipeline::AvsEvents events;
  events.on_window = [&](const pipeline::WindowTrace& window) {
    collector.add_window(scene, window);
  };
  events.on_window_end = [&](const pipeline::WindowTrace& window) { collector.end_window(window); };
  events.on_masks = [&](const pipeline::WindowTrace&, size_t label, int frame,
                        const FloatMap& logits,
                        float score) { collector.add_mask(label, frame, logits, score); };
  events.on_progress = options_.on_progress;
  events.cancelled = options_.cancelled;
  pipeline::AvsRun run =
      pipeline::run_avs(scene, sound, reference, *reasoner_, lbru_, segmenter_, method, events);
  costs_.sound_seconds = run.seconds.sound;
  costs_.reasoning_seconds = run.seconds.reasoning - costs_.detector_seconds;
  costs_.prompting_seconds = run.seconds.prompting;
  costs_.forward_seconds = run.seconds.forward;
  costs_.reverse_seconds = run.seconds.reverse;
  costs_.encoder_runs = segmenter_.encoder_runs() - encoded_before;
  add_usage(run, costs_);
  Findings findings = collector.finish(std::move(run.moment_of));
  store.save_results(sound_result_to_text(findings.result), findings.tracks);
  return hand_over(std::move(findings), frames, options_, masks);
}

}  // namespace alref
