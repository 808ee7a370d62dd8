// SPDX-License-Identifier: Apache-2.0
#include "pipeline/avs.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/log.h"
#include "core/mask_scan.h"
#include "core/stopwatch.h"
#include "pipeline/mask_passes.h"

namespace alref::pipeline {
namespace {

using reasoning::FramedBox;
using reasoning::HeardClip;
using reasoning::Scene;
using reasoning::SoundingBoxQuestion;
using reasoning::SoundingObject;
using reasoning::SoundReasoner;

constexpr int kObject = 1;
constexpr size_t kMostBoxes = 3;
constexpr int kPeaksPerMoment = 10;
/// IoU of a mask's bounds with a sure box, below which the mask has lost its thing.
constexpr double kLeastAgreement = 0.6;
/// Two steps of 16-bit sound: what dither and decoders leave of silence.
constexpr float kSilentPeak = 2.0f / 32768;

float peak_of(std::span<const float> samples) {
  float peak = 0;
  for (const float s : samples) peak = std::max(peak, std::abs(s));
  return peak;
}

std::vector<float> peaks_of(const Waveform& sound, size_t count) {
  std::vector<float> peaks(count);
  const std::span<const float> samples(sound.samples);
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * samples.size() / count, end = (i + 1) * samples.size() / count;
    peaks[i] = peak_of(samples.subspan(begin, end - begin));
  }
  return peaks;
}

void clean(Waveform& sound) {
  for (float& s : sound.samples) s = std::isfinite(s) ? s : 0;
}

class Run {
 public:
  Run(Scene& scene, SoundReasoner& reasoner, Lbru& lbru, VideoSegmenter& segmenter,
      const AvsOptions& options, const AvsEvents& events, AvsRun& run)
      : scene_(scene),
        reasoner_(reasoner),
        lbru_(lbru),
        segmenter_(segmenter),
        options_(options),
        events_(events),
        run_(run),
        moment_seconds_(1 / options.moments_per_second) {}

  void window(WindowTrace& w, const Waveform& sound, bool is_reference) {
    HeardClip heard;
    heard.clip = w.clip;
    if (options_.skip_silence && peak_of(sound.samples) <= kSilentPeak) {
      w.silent = true;
      w.choice.reply = "No sound.";
      events_.on_window(w);
      return;
    }
    listen(w, heard, sound, is_reference);
    name_objects(w, heard);
    choose_boxes(w, heard);
    decide_times(w, heard, sound, is_reference);
    find_classes(w);
    MaskPasses passes(w.first_frame, w.last_frame);
    prompt(w, passes);
    events_.on_window(w);
    carried_.clear();
    carry(w, passes);
    MaskPasses again(w.first_frame, w.last_frame);
    correct(w, heard, again);
    carry(w, again);
    if (events_.on_window_end) events_.on_window_end(w);
  }

 private:
  void listen(WindowTrace& w, HeardClip& heard, const Waveform& sound, bool is_reference) {
    const Stopwatch watch(run_.seconds.sound);
    if (options_.known_labels.empty()) {
      w.tags = lbru_.tags(sound, options_.top_tags);
    } else {
      for (const std::string& label : options_.known_labels)
        w.tags.push_back({.id = {}, .name = label, .probability = 1});
    }
    heard.tags = w.tags;
    heard.tags_are_known = !options_.known_labels.empty();
    heard.moment_seconds = moment_seconds_;
    if (!reasoner_.wants_moments() || is_reference) return;
    heard.moments = lbru_.moment_tags(sound, w.moments(), moment_seconds_);
    heard.segments = options_.segments ? known_segments(w) : changes(heard.moments);
  }

  // Question 1 (gpt_cot_inference_stage_1.py).
  void name_objects(WindowTrace& w, const HeardClip& heard) {
    const Stopwatch watch(run_.seconds.reasoning);
    w.choice = reasoner_.name_objects(scene_, heard);
    auto& objects = w.choice.objects;
    if (options_.single && objects.size() > 1) objects.resize(1);
    if (objects.size() > Lbru::kMostLabels) {
      log(LogLevel::kWarning, scene_.name() + ": " + std::to_string(objects.size()) +
                                  " sounding objects were named; the first " +
                                  std::to_string(Lbru::kMostLabels) + " count");
      objects.resize(Lbru::kMostLabels);
    }
    for (SoundingObject& object : objects) {
      if (object.frame < 1 || object.frame > w.moments()) object.frame = 1;
      w.labels.push_back(
          {.label = object.name, .frame = w.clip.frames[static_cast<size_t>(object.frame - 1)]});
    }
  }

  // Boxes (gdino.py) and question 2 (gpt_cot_inference_stage_2.py).
  void choose_boxes(WindowTrace& w, const HeardClip& heard) {
    const Stopwatch watch(run_.seconds.reasoning);
    std::vector<SoundingBoxQuestion> questions;
    std::vector<LabelTrace*> asked;
    for (size_t i = 0; i < w.labels.size(); ++i) {
      LabelTrace& label = w.labels[i];
      label.boxes = scene_.detect_unsorted(label.frame, reasoner_.caption(label.label),
                                           options_.box_threshold, kMostBoxes);
      if (label.boxes.size() == 1) {
        label.box = 0;
      } else if (!label.boxes.empty() && !options_.choose_box) {
        const auto best = std::ranges::max_element(label.boxes, {}, &Detection::score);
        label.box = static_cast<int>(best - label.boxes.begin());
      } else if (!label.boxes.empty()) {
        questions.push_back({label.label, w.choice.objects[i].frame, label.boxes});
        asked.push_back(&label);
      }
    }
    if (questions.empty()) return;
    auto choices = reasoner_.choose_boxes(scene_, heard, questions);
    for (size_t i = 0; i < asked.size(); ++i) {
      const int number = choices[i].number.value_or(1);
      const bool is_box = number >= 1 && number <= static_cast<int>(asked[i]->boxes.size());
      asked[i]->box = is_box ? number - 1 : 0;
      asked[i]->choice = std::move(choices[i]);
    }
  }

  // Labels in time (languagebind_stage.py).
  void decide_times(WindowTrace& w, const HeardClip& heard, const Waveform& sound,
                    bool is_reference) {
    const Stopwatch watch(run_.seconds.sound);
    std::vector<size_t> all(w.labels.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    w.active.assign(w.clip.frames.size(), all);
    if (!options_.sound_segments) return;
    if (!is_reference) {
      if (auto judged = reasoner_.active_objects(heard, w.choice.objects)) {
        w.active = *std::move(judged);
        w.segments = heard.segments;
        return;
      }
    }
    if (w.labels.size() < 2) return;
    double seconds = moment_seconds_;
    if (is_reference) {
      w.segments = {{0, 1}};
      seconds = std::max(sound.seconds(), moment_seconds_);
    } else {
      w.segments = options_.segments
                       ? known_segments(w)
                       : changes(lbru_.moment_tags(sound, w.moments(), moment_seconds_));
    }
    std::vector<std::string> names;
    for (const LabelTrace& label : w.labels) names.push_back(label.label);
    const auto labels =
        lbru_.labels_of(sound, w.segments, seconds, names, options_.classes.empty() ? ", " : "; ");
    w.active = spread_over_moments(w.segments, labels, w.moments());
  }

  std::vector<Segment> changes(const reasoning::MomentTags& moments) const {
    return Lbru::segments(moments, options_.segment_threshold.value_or(lbru_.segment_threshold()));
  }

  /// Those of AvsOptions::segments that lie in the window.
  std::vector<Segment> known_segments(const WindowTrace& w) const {
    std::vector<Segment> segments;
    for (const auto& [begin, end] : *options_.segments) {
      const int from = std::max(begin - w.first_moment, 0),
                to = std::min(end - w.first_moment, w.moments());
      if (from < to) segments.emplace_back(from, to);
    }
    if (segments.empty()) segments.emplace_back(0, w.moments());
    return segments;
  }

  void find_classes(WindowTrace& w) {
    const Stopwatch watch(run_.seconds.sound);
    if (options_.classes.empty()) return;
    for (LabelTrace& label : w.labels) {
      const auto known = std::ranges::find(options_.classes, label.label);
      label.class_index = known != options_.classes.end()
                              ? static_cast<size_t>(known - options_.classes.begin())
                              : lbru_.nearest_class(label.label, options_.classes);
    }
  }

  /// A tracker that starts from the label's box, and from those on other frames.
  std::unique_ptr<VideoTracker> prompted(LabelTrace& label, std::span<const FramedBox> further,
                                         const WindowTrace& w) {
    const Stopwatch watch(run_.seconds.prompting);
    auto tracker = segmenter_.open(scene_.frames());
    const auto add = [&](int frame, const Box& box) {
      const Mask mask = positive(segmenter_.mask_of_box(scene_.frames(), frame, box));
      tracker->add_mask(kObject, frame, mask);
      return mask.area();
    };
    label.mask_area = add(label.frame, label.boxes[static_cast<size_t>(*label.box)].box);
    for (const auto& [number, detection] : further) {
      label.further_frames.push_back(w.clip.frames[static_cast<size_t>(number - 1)]);
      add(label.further_frames.back(), detection.box);
    }
    return tracker;
  }

  void prompt(WindowTrace& w, MaskPasses& passes) {
    for (size_t i = 0; i < w.labels.size(); ++i) {
      LabelTrace& label = w.labels[i];
      if (label.box) passes.add(i, prompted(label, {}, w), label.frame);
    }
  }

  /// Labels whose masks have left the boxes that the reasoner is sure of start from these, too, and
  /// are carried once more.
  void correct(WindowTrace& w, const HeardClip& heard, MaskPasses& passes) {
    for (size_t i = 0; i < w.labels.size(); ++i) {
      LabelTrace& label = w.labels[i];
      if (!label.box) continue;
      auto further = reasoner_.further_boxes(
          scene_, heard, label.label,
          {w.choice.objects[i].frame, label.boxes[static_cast<size_t>(*label.box)]});
      std::erase_if(further, [&](const FramedBox& box) {
        const int frame = w.clip.frames[static_cast<size_t>(box.number - 1)];
        return iou(carried_[{i, frame}], box.detection.box) >= kLeastAgreement;
      });
      if (!further.empty()) passes.add(i, prompted(label, further, w), label.frame);
    }
  }

  void carry(const WindowTrace& w, MaskPasses& passes) {
    for (const bool reverse : {false, true}) {
      const Stopwatch watch(reverse ? run_.seconds.reverse : run_.seconds.forward);
      passes.run(
          reverse,
          [&](size_t label, int frame, const FloatMap& logits, float score) {
            if (std::ranges::binary_search(w.clip.frames, frame))
              carried_[{label, frame}] = bounds_of(positive(logits)).value_or(Box{});
            events_.on_masks(w, label, frame, logits, score);
          },
          [&](size_t done, size_t total) {
            check(reverse ? "reverse" : "forward", static_cast<int>(done), static_cast<int>(total));
          });
    }
  }

  void check(std::string_view stage, int done, int total) const {
    if (events_.on_progress) events_.on_progress(stage, done, total);
    if (events_.cancelled && events_.cancelled())
      throw Error(ErrorKind::kInterrupted, "interrupted");
  }

  Scene& scene_;
  SoundReasoner& reasoner_;
  Lbru& lbru_;
  VideoSegmenter& segmenter_;
  const AvsOptions& options_;
  const AvsEvents& events_;
  AvsRun& run_;
  double moment_seconds_;
  std::map<std::pair<size_t, int>, Box> carried_;  ///< of labels' masks on the clip's frames
};

}  // namespace

MomentMap map_moments(const FrameSource& frames, double moments_per_second) {
  constexpr double kRounding = 1e-6;  // times are fractions that do not come out even
  const int count = frames.frame_count().value_or(0);
  MomentMap map;
  if (count == 0) return map;
  const auto place = [&](int frame) { return frames.time(frame) * moments_per_second; };
  int moments = 1;
  for (int frame = 0; frame < count; ++frame) {
    const int moment = std::max(moments - 1, static_cast<int>(place(frame) + kRounding));
    map.moment_of.push_back(moment);
    moments = moment + 1;
  }
  map.middle_frame.resize(static_cast<size_t>(moments));
  std::vector<double> distance(map.middle_frame.size(), std::numeric_limits<double>::max());
  for (int frame = 0; frame < count; ++frame) {
    const auto moment = static_cast<size_t>(map.moment_of[static_cast<size_t>(frame)]);
    const double away = std::abs(place(frame) - (static_cast<double>(moment) + 0.5));
    if (away + kRounding >= distance[moment]) continue;
    distance[moment] = away;
    map.middle_frame[moment] = frame;
  }
  for (size_t m = 1; m < distance.size(); ++m) {  // a moment between two frames has the one before
    if (distance[m] == std::numeric_limits<double>::max())
      map.middle_frame[m] = map.middle_frame[m - 1];
  }
  return map;
}

std::vector<Segment> make_windows(int moments, double per_window) {
  const int count = std::max(1, static_cast<int>(std::lround(moments / std::max(per_window, 1.0))));
  std::vector<Segment> windows;
  for (int i = 0; i < count; ++i) {
    const auto edge = [&](int k) { return static_cast<int>(int64_t{moments} * k / count); };
    if (edge(i) < edge(i + 1)) windows.emplace_back(edge(i), edge(i + 1));
  }
  return windows;
}

AvsRun run_avs(Scene& scene, SoundSource* sound, const Waveform* reference, SoundReasoner& reasoner,
               Lbru& lbru, VideoSegmenter& segmenter, const AvsOptions& options,
               const AvsEvents& events) {
  AvsRun result;
  const MomentMap map = map_moments(scene.frames(), options.moments_per_second);
  result.moment_of = map.moment_of;
  const auto windows = make_windows(static_cast<int>(map.middle_frame.size()),
                                    options.window_seconds * options.moments_per_second);
  Run run(scene, reasoner, lbru, segmenter, options, events, result);
  Waveform heard = reference ? *reference : Waveform{};
  clean(heard);
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto [first, last] = windows[i];
    WindowTrace& w = result.windows.emplace_back();
    w.index = static_cast<int>(i);
    w.first_moment = first;
    const auto frames_begin = std::ranges::lower_bound(map.moment_of, first),
               frames_end = std::ranges::lower_bound(map.moment_of, last);
    w.first_frame = static_cast<int>(frames_begin - map.moment_of.begin());
    w.last_frame = static_cast<int>(frames_end - map.moment_of.begin()) - 1;
    w.clip.index = w.index;
    w.clip.frames.assign(map.middle_frame.begin() + first, map.middle_frame.begin() + last);
    w.active.resize(w.clip.frames.size());
    if (w.first_frame > w.last_frame) {  // no frame is shown in it
      w.silent = true;
      events.on_window(w);
      continue;
    }
    if (events.on_progress) {
      events.on_progress("windows", w.index, static_cast<int>(windows.size()));
    }
    if (!reference) {
      const Stopwatch watch(result.seconds.sound);
      heard = sound->read(first / options.moments_per_second, last / options.moments_per_second);
      clean(heard);
    }
    w.peaks = peaks_of(heard, static_cast<size_t>(w.moments()) * kPeaksPerMoment);
    run.window(w, heard, reference != nullptr);
    scene.forget();
  }
  return result;
}

}  // namespace alref::pipeline
