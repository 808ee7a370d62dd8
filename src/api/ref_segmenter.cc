// SPDX-License-Identifier: Apache-2.0
#include "alref/ref_segmenter.h"

#include "api/networks.h"
#include "api/ref_engine.h"
#include "compute/run_clock.h"

namespace alref {

struct RefSegmenter::State {
  State(std::shared_ptr<Models> shared, const RefOptions& options)
      : models(std::move(shared)),
        engine(*models->networks().detector, *models->networks().segmenter,
               models->networks().identity, options) {}

  std::vector<RefResult> segment(FrameSource& frames, std::span<const std::string> texts,
                                 MaskSink& masks) {
    const double before = compute::run_seconds();
    std::vector<RefResult> results = engine.segment(frames, texts, masks);
    costs = engine.costs();
    costs.network_seconds = compute::run_seconds() - before;
    return results;
  }

  std::shared_ptr<Models> models;
  RefEngine engine;
  RefCosts costs;
};

RefSegmenter::RefSegmenter(std::shared_ptr<Models> models, const RefOptions& options)
    : state_(std::make_unique<State>(std::move(models), options)) {}
RefSegmenter::~RefSegmenter() = default;
RefSegmenter::RefSegmenter(RefSegmenter&&) noexcept = default;
RefSegmenter& RefSegmenter::operator=(RefSegmenter&&) noexcept = default;

RefResult RefSegmenter::segment(FrameSource& frames, std::string_view text, MaskSink& masks) {
  const std::string one(text);
  return state_->segment(frames, std::span(&one, 1), masks).front();
}

RefResult RefSegmenter::segment(FrameSource& frames, std::string_view text,
                                const std::function<void(const FrameMasks&)>& on_masks) {
  struct Sink : MaskSink {
    explicit Sink(const std::function<void(const FrameMasks&)>& function) : call(function) {}
    void write(const FrameMasks& frame) override { call(frame); }
    const std::function<void(const FrameMasks&)>& call;
  } sink(on_masks);
  return segment(frames, text, sink);
}

std::vector<RefResult> RefSegmenter::segment(FrameSource& frames,
                                             std::span<const std::string> texts, MaskSink& masks) {
  return state_->segment(frames, texts, masks);
}

const RefCosts& RefSegmenter::costs() const { return state_->costs; }

}  // namespace alref
