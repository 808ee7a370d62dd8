// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rvos.h"

#include "alref/error.h"

#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/stopwatch.h"
#include "pipeline/mask_passes.h"

namespace alref::pipeline {
namespace {

using reasoning::Pivot;
using reasoning::Scene;

constexpr int kObject = 1;

class Run {
 public:
  Run(Scene& scene, VideoSegmenter& segmenter, const RvosOptions& options, const RvosEvents& events,
      RvosRun& run)
      : scene_(scene),
        segmenter_(segmenter),
        options_(options),
        events_(events),
        run_(run),
        passes_(0, scene.frame_count() - 1) {}
  ~Run() { segmenter_.will_return_to(0, std::numeric_limits<int>::max()); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void choose_pivots(reasoning::Reasoner& reasoner, std::span<const std::string> texts) {
    const Stopwatch watch(run_.seconds.reasoning);
    for (const std::string& text : texts) {
      progress("pivots", run_.traces.size(), texts.size());
      RvosTrace& trace = run_.traces.emplace_back();
      trace.text = text;
      trace.selection = reasoning::select_pivots(scene_, reasoner, text, options_.pivots);
    }
  }

  /// Frame by frame, so that sentences with a pivot frame in common share its features even where
  /// no others are kept.
  void prompt() {
    const Stopwatch watch(run_.seconds.prompting);
    std::vector<std::unique_ptr<VideoTracker>> trackers(run_.traces.size());
    std::multimap<int, std::pair<size_t, Pivot>> by_frame;
    for (size_t i = 0; i < run_.traces.size(); ++i) {
      const auto& pivots = run_.traces[i].selection.pivots;
      if (!pivots.empty()) trackers[i] = segmenter_.open(scene_.frames());
      for (const Pivot& pivot : pivots) by_frame.emplace(pivot.frame, std::pair(i, pivot));
    }
    size_t done = 0;
    for (const auto& [frame, prompted] : by_frame) {
      const auto& [i, pivot] = prompted;
      progress("prompts", done++, by_frame.size());
      const Mask mask =
          positive(segmenter_.mask_of_box(scene_.frames(), frame, pivot.detection.box));
      trackers[i]->add_mask(kObject, frame, mask);
      run_.traces[i].prompts.push_back({pivot, mask.area()});
    }
    for (size_t i = 0; i < run_.traces.size(); ++i) {
      RvosTrace& trace = run_.traces[i];
      const auto& pivots = trace.selection.pivots;
      if (!pivots.empty()) {
        trace.start = pivots[pivots.size() / 2].frame;
        passes_.add(i, std::move(trackers[i]), trace.start);
      }
      if (events_.on_pivots) events_.on_pivots(i, trace);
    }
  }

  void pass(bool reverse) {
    const Stopwatch watch(reverse ? run_.seconds.reverse : run_.seconds.forward);
    // The way back leads over what the sentences with the later starts have before them.
    const bool comes_back = !reverse && options_.reverse;
    if (!options_.keep_features)
      segmenter_.will_return_to(0, comes_back ? passes_.latest_start() : -1);
    passes_.run(reverse, events_.on_masks, [&](size_t done, size_t total) {
      progress(reverse ? "reverse" : "forward", done, total);
    });
  }

 private:
  void progress(std::string_view stage, size_t done, size_t total) const {
    if (events_.on_progress)
      events_.on_progress(stage, static_cast<int>(done), static_cast<int>(total));
    if (events_.cancelled && events_.cancelled())
      throw Error(ErrorKind::kInterrupted, "interrupted");
  }

  Scene& scene_;
  VideoSegmenter& segmenter_;
  const RvosOptions& options_;
  const RvosEvents& events_;
  RvosRun& run_;
  MaskPasses passes_;
};

}  // namespace

RvosRun run_rvos(Scene& scene, reasoning::Reasoner& reasoner, VideoSegmenter& segmenter,
                 std::span<const std::string> texts, const RvosOptions& options,
                 const RvosEvents& events) {
  RvosRun result;
  Run run(scene, segmenter, options, events, result);
  run.choose_pivots(reasoner, texts);
  run.prompt();
  run.pass(/*reverse=*/false);
  if (options.reverse) run.pass(/*reverse=*/true);
  return result;
}

}  // namespace alref::pipeline
