// SPDX-License-Identifier: Apache-2.0
#include "reasoning/sound/rules_sound_reasoner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "reasoning/sound/sound_things.h"

namespace alref::reasoning {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

bool touches_border(const Box& box, const FrameSource& frames) {
  const auto width = static_cast<float>(frames.width()),
             height = static_cast<float>(frames.height());
  return box.x0 < 0.01f * width || box.y0 < 0.01f * height || box.x1 > 0.99f * width ||
         box.y1 > 0.99f * height;
}

/// Mean absolute difference of two pictures within a box, in [0, 1].
double difference(const Image& a, const Image& b, const Box& box) {
  const int x0 = std::clamp(static_cast<int>(box.x0), 0, a.width),
            x1 = std::clamp(static_cast<int>(box.x1), 0, a.width),
            y0 = std::clamp(static_cast<int>(box.y0), 0, a.height),
            y1 = std::clamp(static_cast<int>(box.y1), 0, a.height);
  int64_t sum = 0;
  for (int y = y0; y < y1; ++y) {
    for (int i = 3 * x0; i < 3 * x1; ++i) sum += std::abs(a.row(y)[i] - b.row(y)[i]);
  }
  const int64_t values = int64_t{3} * std::max(x1 - x0, 0) * std::max(y1 - y0, 0);
  return values > 0 ? static_cast<double>(sum) / static_cast<double>(values) / 255 : 0;
}

/// How much more a box of a frame changes within a fifth of a second than the whole frame, which a
/// moving camera changes, too; at least 0.
double motion(FrameSource& frames, int frame, int frame_count, const Box& box) {
  const int step = std::max(1, static_cast<int>(std::lround(frames.frame_rate() / 5)));
  const int other = frame + step < frame_count ? frame + step : frame - step;
  if (other < 0) return 0;
  const auto now = frames.frame(frame), then = frames.frame(other);
  if (!now || !then) return 0;
  const Box all{0, 0, static_cast<float>(now->width), static_cast<float>(now->height)};
  return std::max(0.0, difference(*now, *then, box) - difference(*now, *then, all));
}

/// For each moment whether somewhere in its segment `likely` reaches `least`; without segments each
/// moment is one.
std::vector<bool> sounding(const std::vector<float>& likely,
                           const std::vector<std::pair<int, int>>& segments, float least) {
  std::vector<bool> sounds(likely.size());
  for (size_t m = 0; m < likely.size(); ++m) sounds[m] = likely[m] >= least;
  for (const auto& [begin, end] : segments) {
    const auto first = sounds.begin() + begin, last = sounds.begin() + end;
    std::fill(first, last, std::find(first, last, true) != last);
  }
  return sounds;
}

/// Whoever is silent for at most `longest` moments between two sounds goes on sounding.
void fill_pauses(std::vector<bool>& sounds, size_t longest) {
  size_t after_last = sounds.size();  // the place after the last sounding moment; size(): none yet
  for (size_t m = 0; m < sounds.size(); ++m) {
    if (!sounds[m]) continue;
    if (after_last < m && m - after_last <= longest) {
      for (size_t pause = after_last; pause < m; ++pause) sounds[pause] = true;
    }
    after_last = m + 1;
  }
}

}  // namespace

std::vector<RulesSoundReasoner::Candidate> RulesSoundReasoner::things_heard(
    const HeardClip& heard) const {
  std::vector<Candidate> things;
  const auto add = [&](const std::string& tag, float probability) {
    std::string name = visible_thing(tag);
    if (name.empty()) return;
    const auto known = std::ranges::find(things, name, &Candidate::name);
    if (known != things.end()) {
      known->probability = std::max(known->probability, probability);
      return;
    }
    Candidate thing;
    thing.name = std::move(name);
    thing.probability = probability;
    things.push_back(std::move(thing));
  };
  for (const AudioTag& tag : heard.tags) add(tag.name, tag.probability);
  if (!heard.tags_are_known) {
    for (const auto& moment : heard.moments.probabilities) {
      for (size_t c = 0; c < moment.size(); ++c) {
        if (moment[c] >= options_.least_tag) add(heard.moments.names[c], moment[c]);
      }
    }
  }
  std::ranges::stable_sort(things, std::greater<>(), &Candidate::probability);
  if (things.empty()) return things;
  const float least = std::max(options_.least_tag, options_.tag_share * things.front().probability);
  std::erase_if(things, [&](const Candidate& thing) { return thing.probability < least; });
  return things;
}

void RulesSoundReasoner::look_for(Scene& scene, const Clip& clip, Candidate& thing) const {
  const double pixels = static_cast<double>(scene.frames().width()) * scene.frames().height();
  for (size_t i = 0; i < clip.frames.size(); ++i) {
    const auto boxes = scene.detect(clip.frames[i], caption(thing.name), options_.keep_score);
    if (boxes.empty()) continue;
    const Detection& best = boxes.front();
    const double quality = best.score * std::sqrt(best.box.area() / pixels) *
                           (touches_border(best.box, scene.frames()) ? 0.6 : 1.0);
    thing.score = std::max(thing.score, best.score);
    if (quality <= thing.quality) continue;
    thing.quality = quality;
    thing.number = static_cast<int>(i) + 1;
    thing.box = best.box;
  }
}

void RulesSoundReasoner::find(Scene& scene, const Clip& clip, Candidate& thing) const {
  look_for(scene, clip, thing);
  if (thing.score >= options_.clear) return;
  for (const std::string& name : narrower_things(thing.name)) {
    Candidate narrower;
    narrower.name = name;
    narrower.probability = thing.probability;
    look_for(scene, clip, narrower);
    if (narrower.score > std::max(thing.score, options_.presence)) thing = narrower;
  }
}

SoundingChoice RulesSoundReasoner::name_objects(Scene& scene, const HeardClip& heard) {
  SoundingChoice choice;
  std::vector<Candidate> seen;
  for (Candidate& thing : things_heard(heard)) {
    find(scene, heard.clip, thing);
    const std::string what = "'" + thing.name + "' (heard " + number(thing.probability) +
                             ", seen " + number(thing.score) + ")";
    if (thing.number == 0 || thing.score < options_.presence) {
      choice.reply += what + " is not to be seen. ";
      continue;
    }
    // On the frame that shows this one best, is the other one there, too?
    const int frame = heard.clip.frames[static_cast<size_t>(thing.number - 1)];
    const auto same = std::ranges::find_if(seen, [&](const Candidate& other) {
      const auto boxes = scene.detect(frame, caption(other.name), options_.keep_score);
      return !boxes.empty() && iou(boxes.front().box, thing.box) > options_.same_iou;
    });
    if (same != seen.end()) {
      choice.reply += what + " is the same thing as '" + same->name + "'. ";
      continue;
    }
    choice.reply += what + " shows best on frame " + std::to_string(thing.number) + ". ";
    seen.push_back(thing);
  }
  if (options_.single && seen.size() > 1) {
    const auto best = std::ranges::max_element(
        seen, {}, [](const Candidate& c) { return c.probability * c.score; });
    seen = {*best};
    choice.reply += "'" + seen.front().name + "' is the likeliest. ";
  }
  for (const Candidate& thing : seen) choice.objects.push_back({thing.name, thing.number});
  if (seen.empty()) choice.reply += "Nothing that is heard is to be seen.";
  return choice;
}

std::vector<Choice> RulesSoundReasoner::choose_boxes(Scene& scene, const HeardClip& heard,
                                                     std::span<const SoundingBoxQuestion> asked) {
  // A box that is two thirds as sure wins if it moves and the other one rests.
  constexpr double kClearMotion = 0.05, kMotionCounts = 0.5;
  std::vector<Choice> choices(asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    const int frame = heard.clip.frames[static_cast<size_t>(asked[i].number - 1)];
    double best = -1;
    for (size_t k = 0; k < asked[i].boxes.size(); ++k) {
      const Detection& d = asked[i].boxes[k];
      const double moves = motion(scene.frames(), frame, scene.frame_count(), d.box);
      const double value = d.score * (1 + kMotionCounts * std::min(1.0, moves / kClearMotion));
      choices[i].reply += "Box " + std::to_string(k + 1) + ": score " + number(d.score) +
                          ", motion " + number(moves) + ". ";
      if (value <= best) continue;
      best = value;
      choices[i].number = static_cast<int>(k) + 1;
    }
    choices[i].reply += "Box " + std::to_string(*choices[i].number) + " stands out most.";
  }
  return choices;
}

std::vector<FramedBox> RulesSoundReasoner::further_boxes(Scene& scene, const HeardClip& heard,
                                                         const std::string& object,
                                                         const FramedBox& chosen) {
  constexpr float kLargestGrowth = 3;
  constexpr float kElsewhere = 0.3f;  // IoU; boxes of parts of a thing overlap the whole's more
  std::vector<FramedBox> further;
  const float least = std::max(options_.presence, options_.further_share * chosen.detection.score);
  for (size_t i = 0; i < heard.clip.frames.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    if (number == chosen.number) continue;
    const auto boxes = scene.detect(heard.clip.frames[i], caption(object), options_.keep_score);
    if (boxes.empty() || boxes.front().score < least) continue;
    const Detection& best = boxes.front();
    const auto growth = best.box.area() / chosen.detection.box.area();
    if (growth > kLargestGrowth || growth < 1 / kLargestGrowth) continue;
    const bool has_rival = std::ranges::any_of(boxes, [&](const Detection& other) {
      return other.score > options_.further_share * best.score &&
             iou(other.box, best.box) < kElsewhere;
    });
    if (!has_rival) further.push_back({number, best});
  }
  return further;
}

std::optional<ActiveObjects> RulesSoundReasoner::active_objects(
    const HeardClip& heard, std::span<const SoundingObject> objects) {
  const MomentTags& moments = heard.moments;
  if (moments.probabilities.empty()) return std::nullopt;
  std::map<std::string, std::vector<size_t>, std::less<>> classes_of;
  for (size_t c = 0; c < moments.names.size(); ++c) {
    const std::string thing = visible_thing(moments.names[c]);
    classes_of[thing].push_back(c);
    for (const std::string& narrower : narrower_things(thing)) classes_of[narrower].push_back(c);
  }
  ActiveObjects active(moments.probabilities.size());
  if (options_.single) {  // as in the paper, where the only label counts throughout
    for (auto& now : active) now.assign(objects.empty() ? 0 : 1, 0);
    return active;
  }
  for (size_t k = 0; k < objects.size(); ++k) {
    std::vector<float> likely(active.size());
    const auto classes = classes_of.find(objects[k].name);
    for (size_t m = 0; m < active.size() && classes != classes_of.end(); ++m) {
      for (const size_t c : classes->second)
        likely[m] = std::max(likely[m], moments.probabilities[m][c]);
    }
    // Of a thing whose tags are never likely in a single moment, only the whole tells; it counts
    // as always on, like the only label in the paper.
    const float highest = *std::ranges::max_element(likely);
    const float least = highest < options_.least_tag ? 0 : options_.on_share * highest;
    std::vector<bool> sounds = sounding(likely, heard.segments, least);
    fill_pauses(sounds, static_cast<size_t>(options_.longest_pause / heard.moment_seconds));
    for (size_t m = 0; m < active.size(); ++m) {
      if (sounds[m]) active[m].push_back(k);
    }
  }
  return active;
}

}  // namespace alref::reasoning
