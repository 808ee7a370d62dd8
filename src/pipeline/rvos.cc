// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rvos.h"

#include "alref/error.h"

#include <chrono>
#include <memory>

namespace alref::pipeline {
namespace {

using reasoning::Pivot;
using reasoning::Scene;

constexpr int kObject = 1;

class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class Run {
 public:
  Run(Scene& scene, VideoSegmenter& segmenter, const RvosEvents& events, RvosRun& run)
      : scene_(scene), segmenter_(segmenter), events_(events), run_(run) {}

  void choose_pivots(reasoning::Reasoner& reasoner, std::span<const std::string> texts,
                     const RvosOptions& options) {
    const Stopwatch watch(run_.seconds.reasoning);
    for (const std::string& text : texts) {
      progress("pivots", run_.traces.size(), texts.size());
      RvosTrace& trace = run_.traces.emplace_back();
      trace.text = text;
      trace.selection = reasoning::select_pivots(scene_, reasoner, text, options.pivots);
    }
  }

  void prompt() {
    const Stopwatch watch(run_.seconds.prompting);
    for (size_t i = 0; i < run_.traces.size(); ++i) {
      RvosTrace& trace = run_.traces[i];
      const auto& pivots = trace.selection.pivots;
      progress("prompts", i, run_.traces.size());
      if (!pivots.empty()) {
        Walker& walker = walkers_.emplace_back();
        walker.sentence = i;
        walker.tracker = segmenter_.open(scene_.frames());
        for (const Pivot& pivot : pivots) {
          const Mask mask =
              positive(segmenter_.mask_of_box(scene_.frames(), pivot.frame, pivot.detection.box));
          walker.tracker->add_mask(kObject, pivot.frame, mask);
          trace.prompts.push_back({pivot, mask.area()});
        }
        trace.start = pivots[pivots.size() / 2].frame;
      }
      if (events_.on_pivots) events_.on_pivots(i, trace);
    }
  }

  /// One pass of all sentences: always the tracker that is furthest behind takes the next step.
  void pass(bool reverse) {
    const Stopwatch watch(reverse ? run_.seconds.reverse : run_.seconds.forward);
    size_t total = 0, done = 0;
    for (Walker& walker : walkers_) {
      walker.next = run_.traces[walker.sentence].start;
      total += static_cast<size_t>(reverse ? walker.next + 1 : scene_.frame_count() - walker.next);
      walker.finished = false;
      walker.tracker->start_pass(walker.next, reverse);
    }
    while (Walker* walker = furthest_behind(reverse)) {
      progress(reverse ? "reverse" : "forward", done++, total);
      walker->finished = !walker->tracker->step([&](int frame,
                                                    std::span<const ObjectLogits> masks) {
        events_.on_masks(walker->sentence, frame, masks.front().logits, masks.front().object_score);
        walker->next = frame + (reverse ? -1 : 1);
        return true;
      });
    }
  }

 private:
  struct Walker {
    size_t sentence = 0;
    std::unique_ptr<VideoTracker> tracker;
    int next = 0;
    bool finished = false;
  };

  Walker* furthest_behind(bool reverse) {
    Walker* chosen = nullptr;
    for (Walker& walker : walkers_) {
      if (walker.finished) continue;
      if (!chosen || (reverse ? walker.next > chosen->next : walker.next < chosen->next)) {
        chosen = &walker;
      }
    }
    return chosen;
  }

  void progress(std::string_view stage, size_t done, size_t total) const {
    if (events_.on_progress)
      events_.on_progress(stage, static_cast<int>(done), static_cast<int>(total));
    if (events_.cancelled && events_.cancelled())
      throw Error(ErrorKind::kInterrupted, "interrupted");
  }

  Scene& scene_;
  VideoSegmenter& segmenter_;
  const RvosEvents& events_;
  RvosRun& run_;
  std::vector<Walker> walkers_;
};

}  // namespace

RvosRun run_rvos(Scene& scene, reasoning::Reasoner& reasoner, VideoSegmenter& segmenter,
                 std::span<const std::string> texts, const RvosOptions& options,
                 const RvosEvents& events) {
  RvosRun result;
  Run run(scene, segmenter, events, result);
  run.choose_pivots(reasoner, texts, options);
  run.prompt();
  run.pass(/*reverse=*/false);
  if (options.reverse) run.pass(/*reverse=*/true);
  return result;
}

}  // namespace alref::pipeline
