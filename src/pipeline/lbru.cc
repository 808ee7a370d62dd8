// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lbru.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace alref::pipeline {
namespace {

constexpr std::string_view kSilence = "/m/028v0c";

/// What a label sounds like, where the bare word is a poor description (languagebind_stage.py).
std::string as_sound(const std::string& label) {
  if (label == "dog") return "dog barking";
  if (label == "cat") return "cat meow";
  if (label == "gun") return "gun shot";
  return label;
}

Waveform part_of(const Waveform& sound, double begin, double end) {
  const auto sample = [&](double seconds) {
    const double at = std::max(0.0, std::round(seconds * sound.sample_rate));
    return std::min(sound.samples.size(), static_cast<size_t>(at));
  };
  Waveform part{.sample_rate = sound.sample_rate, .channels = 1, .samples = {}};
  part.samples.assign(sound.samples.begin() + static_cast<std::ptrdiff_t>(sample(begin)),
                      sound.samples.begin() + static_cast<std::ptrdiff_t>(sample(end)));
  return part;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  const double norm = std::sqrt(dot(a, a) * dot(b, b));
  return norm > 0 ? dot(a, b) / norm : 1;  // silence after silence is no change
}

/// Every combination of `count` things: single ones first, then pairs, and so on, each in the order
/// of itertools.combinations, so that of equally good ones the same wins as in the reference.
std::vector<std::vector<size_t>> combinations(size_t count) {
  std::vector<std::vector<size_t>> all;
  for (size_t size = 1; size <= count; ++size) {
    std::vector<bool> taken(count);
    std::fill(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(size), true);
    do {
      auto& combination = all.emplace_back();
      for (size_t i = 0; i < count; ++i) {
        if (taken[i]) combination.push_back(i);
      }
    } while (std::prev_permutation(taken.begin(), taken.end()));
  }
  return all;
}

}  // namespace

std::vector<AudioTag> Lbru::tags(const Waveform& sound, size_t top) {
  std::vector<AudioTag> united;
  for (AudioTagger* tagger : listeners_.taggers) {
    size_t taken = 0;
    for (AudioTag& tag : tagger->tag(sound)) {
      if (taken == top) break;
      if (tag.id == kSilence) continue;
      ++taken;
      const auto known = std::ranges::find(united, tag.id, &AudioTag::id);
      if (known == united.end()) {
        united.push_back(std::move(tag));
      } else {
        known->probability = std::max(known->probability, tag.probability);
      }
    }
  }
  return united;
}

reasoning::MomentTags Lbru::moment_tags(const Waveform& sound, int moments, double seconds) {
  const auto moment = [&](size_t number) {
    const auto m = static_cast<double>(number);
    Waveform part = part_of(sound, m * seconds, (m + 1) * seconds);
    part.samples.resize(static_cast<size_t>(std::round(seconds * sound.sample_rate)));
    return part;
  };
  reasoning::MomentTags result;
  std::map<std::string, size_t> places;
  for (const std::vector<AudioTag>& tags :
       listeners_.taggers.back()->tag_each(static_cast<size_t>(moments), moment)) {
    auto& probabilities = result.probabilities.emplace_back(tags.size());
    for (const AudioTag& tag : tags) {
      const auto [place, is_new] = places.emplace(tag.id, places.size());
      if (is_new) result.names.push_back(tag.name);
      probabilities[place->second] = tag.id == kSilence ? 0 : tag.probability;
    }
  }
  return result;
}

std::vector<Segment> Lbru::segments(const reasoning::MomentTags& moments, float threshold) {
  std::vector<Segment> segments;
  const auto& p = moments.probabilities;
  for (size_t m = 0; m < p.size(); ++m) {
    const int now = static_cast<int>(m);
    if (m == 0 || cosine(p[m - 1], p[m]) < threshold) segments.emplace_back(now, now);
    segments.back().second = now + 1;
  }
  return segments;
}

std::vector<std::vector<size_t>> Lbru::labels_of(const Waveform& sound,
                                                 std::span<const Segment> segments, double seconds,
                                                 std::span<const std::string> labels,
                                                 const std::string& separator) {
  if (labels.size() > kMostLabels) {
    throw Error(ErrorKind::kInvalidArgument, "labels of a sound: expected at most " +
                                                 std::to_string(kMostLabels) + ", got " +
                                                 std::to_string(labels.size()));
  }
  const std::vector<std::vector<size_t>> choices = combinations(labels.size());
  const auto part = [&](size_t s) {
    return part_of(sound, segments[s].first * seconds, segments[s].second * seconds);
  };
  const std::vector<Embedding> heard = listeners_.matcher->embed_sounds(segments.size(), part);
  std::vector<std::vector<size_t>> best(segments.size());
  for (size_t s = 0; s < segments.size(); ++s) {
    double highest = 0;
    for (const auto& choice : choices) {
      std::string text;
      for (const size_t i : choice) text += (text.empty() ? "" : separator) + as_sound(labels[i]);
      const double similarity = dot(heard[s], embed(*listeners_.matcher, label_texts_, text));
      if (!best[s].empty() && similarity <= highest) continue;
      highest = similarity;
      best[s] = choice;
    }
  }
  return best;
}

size_t Lbru::nearest_class(const std::string& label, std::span<const std::string> classes) {
  const Embedding meant = embed(*listeners_.classes, class_texts_, label);
  const auto nearest = std::ranges::max_element(classes, {}, [&](const std::string& name) {
    return dot(meant, embed(*listeners_.classes, class_texts_, name));
  });
  return static_cast<size_t>(nearest - classes.begin());
}

const Lbru::Embedding& Lbru::embed(AudioTextEmbedder& embedder, Embeddings& known,
                                   const std::string& text) {
  const auto found = known.find(text);
  if (found != known.end()) return found->second;
  return known.emplace(text, embedder.embed_text(text)).first->second;
}

reasoning::ActiveObjects spread_over_moments(std::span<const Segment> segments,
                                             std::span<const std::vector<size_t>> labels,
                                             int moments) {
  reasoning::ActiveObjects active;
  for (size_t s = 0; s < segments.size(); ++s) {
    for (int m = segments[s].first; m < segments[s].second; ++m) active.push_back(labels[s]);
  }
  active.resize(static_cast<size_t>(moments),
                active.empty() ? std::vector<size_t>{} : active.back());
  return active;
}

}  // namespace alref::pipeline
