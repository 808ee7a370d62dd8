// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "perception/video_segmenter.h"

namespace alref::pipeline {

/// Stands in for SAM 2: a box's mask is the box, an object's mask on a frame is its nearest
/// prompt's. It has a cache of `capacity` frames' features, counts encoder runs, and notes every
/// call.
class FakeSegmenter : public VideoSegmenter {
 public:
  explicit FakeSegmenter(size_t capacity = 1000) : capacity_(capacity) {}

  FloatMap mask_of_box(FrameSource& frames, int frame, const Box& box) override {
    encode(frame);
    calls.push_back("box " + std::to_string(frame));
    FloatMap logits(frames.width(), frames.height());
    for (int y = 0; y < logits.height; ++y) {
      for (int x = 0; x < logits.width; ++x) {
        const float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f;
        logits.row(y)[x] = px > box.x0 && px < box.x1 && py > box.y0 && py < box.y1 ? 1.0f : -1.0f;
      }
    }
    return logits;
  }

  std::unique_ptr<VideoTracker> open(FrameSource& frames) override {
    return std::make_unique<Tracker>(*this, frames);
  }
  void will_return_to(int first, int last) override { returning_ = {first, last}; }
  int64_t encoder_runs() const override { return encoder_runs_; }

  std::vector<std::string> calls;

 private:
  class Tracker : public VideoTracker {
   public:
    Tracker(FakeSegmenter& owner, FrameSource& frames) : owner_(owner), frames_(frames) {}
    void add_mask(int object, int frame, const Mask& mask) override {
      owner_.calls.push_back("mask " + std::to_string(object) + " " + std::to_string(frame));
      prompts_[frame] = mask;
    }
    void add_box(int, int, const Box&) override { std::abort(); }
    void add_points(int, int, std::span<const Point>, std::span<const int>) override {
      std::abort();
    }
    void remove_object(int) override { std::abort(); }
    void reset() override { prompts_.clear(); }

    void start_pass(int start, bool reverse) override {
      owner_.calls.push_back(std::string(reverse ? "reverse " : "forward ") +
                             std::to_string(start));
      next_ = start;
      reverse_ = reverse;
    }
    bool step(const FrameCallback& on_frame) override {
      if (next_ < 0 || next_ >= *frames_.frame_count()) return false;
      owner_.encode(next_);
      const auto nearest = std::ranges::min_element(
          prompts_, {}, [&](const auto& prompt) { return std::abs(prompt.first - next_); });
      const Mask& mask = nearest->second;
      ObjectLogits logits{
          .object = 1, .logits = FloatMap(mask.width, mask.height), .object_score = 3};
      for (size_t i = 0; i < mask.pixels.size(); ++i)
        logits.logits.values[i] = mask.pixels[i] ? 2.0f : 0.0f;
      on_frame(next_, std::span(&logits, 1));
      next_ += reverse_ ? -1 : 1;
      return true;
    }

   private:
    FakeSegmenter& owner_;
    FrameSource& frames_;
    std::map<int, Mask> prompts_;
    int next_ = 0;
    bool reverse_ = false;
  };

  void encode(int frame) {
    if (forgets_front_ && cache_.front() != frame) {
      cache_.pop_front();
      forgets_front_ = false;
    }
    const auto known = std::ranges::find(cache_, frame);
    if (known != cache_.end()) {
      cache_.splice(cache_.begin(), cache_, known);
      return;
    }
    ++encoder_runs_;
    cache_.push_front(frame);
    if (cache_.size() > capacity_) cache_.pop_back();
    forgets_front_ = frame < returning_.first || frame > returning_.second;
  }

  size_t capacity_;
  int64_t encoder_runs_ = 0;
  std::list<int> cache_;
  bool forgets_front_ = false;  ///< when another frame comes
  std::pair<int, int> returning_{0, std::numeric_limits<int>::max()};
};

}  // namespace alref::pipeline
