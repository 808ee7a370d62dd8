// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/audio.h"
#include "alref/types.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "perception/audio.h"
#include "reasoning/sound/sound_reasoner.h"

namespace alref::pipeline {

/// Moments [first, second) of a stretch.
using Segment = std::pair<int, int>;

/// The networks that listen. They outlive what uses them.
struct Listeners {
  std::vector<AudioTagger*> taggers;     ///< one or more, whose tags are united
  AudioTextEmbedder* matcher = nullptr;  ///< sounds and labels
  AudioTextEmbedder* classes = nullptr;  ///< texts only: which class a label is nearest to
};

/// Language-Binded Reference Unification (AL-Ref-SAM 2, section 3.3): a sound as words, with the
/// moments in which each of them is heard (al-ref-sam2, avs/*/beats.py, languagebind_stage*.py).
/// Sounds are mono at 16 kHz. Text embeddings are kept. Threads: one call at a time.
class Lbru {
 public:
  /// The most labels whose combinations are all compared with a segment: 1,023 texts.
  static constexpr size_t kMostLabels = 10;

  /// The paper's bound, on the features of another project's sound-event detector.
  static constexpr float kSegmentThreshold = 0.5f;

  explicit Lbru(const Listeners& listeners) : listeners_(listeners) {}

  /// The bound for segments() that the last tagger was calibrated for, else the paper's.
  float segment_threshold() const {
    return listeners_.taggers.back()->segment_threshold().value_or(kSegmentThreshold);
  }

  /// Each tagger's `top` likeliest classes, "Silence" left out; those of the first tagger come
  /// first, and a class that several name has its highest probability.
  std::vector<AudioTag> tags(const Waveform& sound, size_t top);

  /// The last tagger's classes in each of `moments` equal parts of `seconds` each; a part past the
  /// sound's end is silent.
  reasoning::MomentTags moment_tags(const Waveform& sound, int moments, double seconds);

  /// Where the sound changes: boundaries between moments whose class probabilities have a cosine
  /// below `threshold`.
  static std::vector<Segment> segments(const reasoning::MomentTags& moments, float threshold);

  /// For each segment the labels, ascending, whose combination is likest to its sound. Labels are
  /// joined by `separator` (", "; for AVSS "; "). At most kMostLabels labels.
  std::vector<std::vector<size_t>> labels_of(const Waveform& sound,
                                             std::span<const Segment> segments, double seconds,
                                             std::span<const std::string> labels,
                                             const std::string& separator);

  /// Index of the class whose text is nearest to the label's.
  size_t nearest_class(const std::string& label, std::span<const std::string> classes);

 private:
  using Embedding = std::vector<float>;
  using Embeddings = std::map<std::string, Embedding>;

  static const Embedding& embed(AudioTextEmbedder& embedder, Embeddings& known,
                                const std::string& text);

  Listeners listeners_;
  Embeddings label_texts_;
  Embeddings class_texts_;
};

/// The labels of each of `moments` moments, from those of the segments; moments past the last
/// segment have its labels (languagebind_stage.py).
reasoning::ActiveObjects spread_over_moments(std::span<const Segment> segments,
                                             std::span<const std::vector<size_t>> labels,
                                             int moments);

}  // namespace alref::pipeline
