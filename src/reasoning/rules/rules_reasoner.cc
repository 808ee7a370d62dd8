// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/rules_reasoner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>

#include "reasoning/rules/lexicon.h"

namespace alref::reasoning {
namespace {

constexpr size_t kFewSightings = 3;

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

/// What counts for a good prompt: sure, large, whole (away from the border) and not behind or
/// before a rival.
double prompt_quality(const Sighting& s, const Track& track, std::span<const Track* const> rivals,
                      const Extent& extent) {
  float largest = 0;
  for (const Sighting& other : track.sightings) largest = std::max(largest, other.box.area());
  const auto width = static_cast<float>(extent.width), height = static_cast<float>(extent.height);
  const bool cut = s.box.x0 < 0.01f * width || s.box.y0 < 0.01f * height ||
                   s.box.x1 > 0.99f * width || s.box.y1 > 0.99f * height;
  float covered = 0;
  for (const Track* rival : rivals) {
    if (const Sighting* r = rival->at(s.frame)) covered = std::max(covered, iou(s.box, r->box));
  }
  return s.score * std::sqrt(s.box.area() / std::max(largest, 1.0f)) * (cut ? 0.6 : 1.0) *
         (1.0 - std::min(1.0f, 2 * covered));
}

/// Frames that may become pivots.
std::set<int> clip_frames(int frame_count) {
  std::set<int> frames;
  for (const Clip& clip : make_clips(frame_count, {.keep_single = true}))
    frames.insert(clip.frames.begin(), clip.frames.end());
  return frames;
}

}  // namespace

std::string RulesReasoner::caption(std::string_view expression) const {
  return caption_of(parse_sentence(expression).head);
}

std::vector<int> RulesReasoner::sampled_frames(int frame_count) const {
  const int every =
      options_.detect_every > 0 ? options_.detect_every : std::clamp(frame_count / 24, 1, 5);
  std::set<int> frames = clip_frames(frame_count);
  for (int frame = 0; frame < frame_count; frame += every) frames.insert(frame);
  return {frames.begin(), frames.end()};
}

const std::vector<Track>& RulesReasoner::tracks_of(Scene& scene, const std::string& caption) {
  const auto known = tracks_.find(caption);
  if (known != tracks_.end()) return known->second;
  std::vector<SampledFrame> frames;
  for (const int index : sampled_frames(scene.frame_count())) {
    SampledFrame frame{.frame = index, .sightings = {}};
    for (const Detection& d : scene.detect(index, caption, options_.tracks.keep_score)) {
      frame.sightings.push_back(
          {.frame = index, .box = d.box, .score = d.score, .certainty = 0, .colours = {}});
    }
    frame.sightings = merge_duplicates(std::move(frame.sightings), options_.tracks);
    if (!frame.sightings.empty()) {
      const auto image = scene.frames().frame(index);
      for (Sighting& s : frame.sightings) s.colours = ColourHistogram::of(*image, s.box);
    }
    frames.push_back(std::move(frame));
  }
  std::vector<Track> tracks = link_tracks(frames, options_.tracks);
  std::erase_if(tracks, [&](const Track& t) { return t.best_certainty() < options_.presence; });
  // What is seen much more shortly than others of its kind is a part of one of them, or a mistake.
  size_t longest = 0;
  for (const Track& t : tracks) longest = std::max(longest, t.sightings.size());
  const size_t least = std::min(longest, std::max(kFewSightings, longest / 8));
  if (frames.size() > kFewSightings)
    std::erase_if(tracks, [&](const Track& t) { return t.sightings.size() < least; });
  return tracks_.emplace(caption, std::move(tracks)).first->second;
}

RulesReasoner::Verdict RulesReasoner::decide(Scene& scene, std::string_view expression) {
  const Sentence sentence = parse_sentence(expression);
  const std::string caption = caption_of(sentence.head);
  const Extent extent{scene.frames().width(), scene.frames().height(), scene.frame_count()};
  const std::vector<Track>& tracks = tracks_of(scene, caption);
  Verdict verdict;
  verdict.reasons = "Read as " + to_string(sentence.head) + ". ";
  for (const std::string& word : sentence.unread)
    verdict.reasons += "'" + word + "' was not understood. ";

  if (tracks.empty()) {
    verdict.reasons += "No '" + caption + "' is in the video: none is seen with a certainty of " +
                       number(options_.presence) + " or more.";
    return verdict;
  }

  // What no clip shows well enough to start from cannot be the answer, if something else can.
  const std::set<int> may_be_pivot = clip_frames(scene.frame_count());
  const auto has_pivot = [&](const Track& t) {
    return std::ranges::any_of(t.sightings, [&](const Sighting& s) {
      return s.score > options_.box_threshold && may_be_pivot.contains(s.frame);
    });
  };
  const bool any_pivot = std::ranges::any_of(tracks, has_pivot);

  double best_fit = -1;
  std::string best_words;
  for (const Track& track : tracks) {
    if (any_pivot && !has_pivot(track)) continue;
    Candidate candidate{.track = &track, .rivals = {}};
    for (const Track& rival : tracks) {
      if (&rival != &track) candidate.rivals.push_back(&rival);
    }
    double fit = 1;
    std::string words;
    for (const Constraint& constraint : sentence.head.constraints) {
      std::vector<std::vector<const Track*>> others;
      for (const NounPhrase& phrase : constraint.others) {
        auto& meant = others.emplace_back();
        if (phrase.other || phrase.noun == sentence.head.noun) {
          meant = candidate.rivals;
        } else if (!phrase.noun.empty() && !is_scenery(phrase.noun)) {
          for (const Track& t : tracks_of(scene, caption_of(phrase))) meant.push_back(&t);
        }
      }
      const auto score = judge(constraint, candidate, others, extent);
      if (score) fit *= *score;
      words += ", " + to_string(constraint) +
               (score ? " " + number(*score) : std::string(" cannot be judged"));
    }
    // Between things that fit equally well, the one that is surest and longest in sight.
    const double support =
        track.mean_certainty() * std::pow(static_cast<double>(track.sightings.size()), 0.25);
    if (fit * support > best_fit) {
      best_fit = fit * support;
      verdict.track = fit >= options_.least_fit ? &track : nullptr;
      verdict.rivals = candidate.rivals;
      best_words = "seen on " + std::to_string(track.sightings.size()) + " sampled frames from " +
                   std::to_string(track.first()) + " to " + std::to_string(track.last()) +
                   ", mean certainty " + number(track.mean_certainty()) + words;
    }
  }
  verdict.reasons += "Of " + std::to_string(tracks.size()) + " things found as '" + caption +
                     "' this one fits best: " + best_words + ".";
  if (!verdict.track) verdict.reasons += " That is too little, so nothing in the video is meant.";
  return verdict;
}

const RulesReasoner::Verdict& RulesReasoner::verdict_on(Scene& scene, std::string_view expression) {
  if (scene_ != scene.id()) {
    scene_ = scene.id();
    tracks_.clear();
    verdicts_.clear();
  }
  const auto known = verdicts_.find(expression);
  if (known != verdicts_.end()) return known->second;
  return verdicts_.emplace(expression, decide(scene, expression)).first->second;
}

std::vector<Choice> RulesReasoner::choose_frames(Scene& scene, std::string_view expression,
                                                 std::span<const Clip> clips) {
  const Verdict& verdict = verdict_on(scene, expression);
  const Extent extent{scene.frames().width(), scene.frames().height(), scene.frame_count()};
  std::vector<Choice> choices(clips.size());
  std::vector<double> qualities(clips.size());
  for (size_t i = 0; i < clips.size(); ++i) {
    choices[i].reply = verdict.reasons;
    if (!verdict.track) continue;
    for (size_t k = 0; k < clips[i].frames.size(); ++k) {
      const Sighting* seen = verdict.track->at(clips[i].frames[k]);
      if (!seen || seen->score <= options_.box_threshold) continue;
      const double quality = prompt_quality(*seen, *verdict.track, verdict.rivals, extent);
      if (quality <= qualities[i]) continue;
      qualities[i] = quality;
      choices[i].number = static_cast<int>(k) + 1;
    }
  }
  // A poor view in one clip would only spoil the good one of another.
  const double best = qualities.empty() ? 0 : *std::ranges::max_element(qualities);
  for (size_t i = 0; i < clips.size(); ++i) {
    if (choices[i].number && qualities[i] < 0.5 * best) choices[i].number.reset();
    if (choices[i].number) {
      choices[i].reply += " Frame " + std::to_string(*choices[i].number) +
                          " of this clip shows it best (" + number(qualities[i]) +
                          "): sure, large, whole and clear of others.";
    } else if (verdict.track) {
      choices[i].reply += " This clip does not show it well enough.";
    }
  }
  return choices;
}

std::vector<Choice> RulesReasoner::choose_boxes(Scene& scene, std::string_view expression,
                                                std::span<const BoxQuestion> questions) {
  const Verdict& verdict = verdict_on(scene, expression);
  std::vector<Choice> choices(questions.size());
  for (size_t i = 0; i < questions.size(); ++i) {
    const Sighting* seen = verdict.track ? verdict.track->at(questions[i].frame) : nullptr;
    choices[i].reply = verdict.reasons;
    if (!seen) continue;
    float best = 0.5f;
    for (size_t k = 0; k < questions[i].boxes.size(); ++k) {
      const float overlap = iou(questions[i].boxes[k].box, seen->box);
      if (overlap <= best) continue;
      best = overlap;
      choices[i].number = static_cast<int>(k) + 1;
    }
    if (choices[i].number) {
      choices[i].reply += " Box " + std::to_string(*choices[i].number) +
                          " is where this thing is on frame " + std::to_string(questions[i].frame) +
                          ".";
    }
  }
  return choices;
}

}  // namespace alref::reasoning
