// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "perception/sam2/memory_bank.h"
#include "perception/sam2/segmenter.h"

namespace alref::sam2 {

/// Objects followed through a video, with the semantics and defaults of the official predictor
/// (sam2/sam2_video_predictor.py), with these differences: memories keep full precision; hole
/// filling is off unless asked for; of tracked frames only so many are remembered as a later pass
/// or correction is likely to need (Sam2VideoOptions::history_bytes), and a frame that is forgotten
/// counts as never passed.
class Tracker : public VideoTracker {
 public:
  Tracker(Segmenter& segmenter, FrameSource& frames);

  void add_mask(int object, int frame, const Mask& mask) override;
  void add_box(int object, int frame, const Box& box) override;
  void add_points(int object, int frame, std::span<const Point> points,
                  std::span<const int> labels) override;
  void remove_object(int object) override;
  void reset() override;

  void start_pass(int start, bool reverse) override;
  bool step(const FrameCallback& on_frame) override;

  /// What is kept of all objects on frames passed so far.
  size_t bytes() const;

 private:
  struct Object {
    int id;
    MemoryBank bank;
    // New prompts' results by frame, taken into the bank before the next step.
    std::map<int, FrameMemory> new_conditioning, new_corrections;
    // Frames passed and not forgotten, and whether in reverse.
    std::map<int, bool> passed;
  };
  struct Pass {
    int start;
    int next;
    bool reverse;
  };

  Object& object(int id);
  void look_at(int frame);
  void add_prompt(int object_id, int frame, const PromptPoints& prompt);
  static void take_in_prompts(Object& object);

  /// The object on the current frame by its memories, with or without new points.
  FrameMemory track(const Object& object, int frame, bool reverse, const PromptPoints* prompt,
                    const FloatMap* previous);
  /// The object by a prompt on a frame where nothing is known of it yet.
  FrameMemory start_from(const PromptPoints& prompt, const FloatMap* previous);
  FrameMemory start_from(const Mask& mask);
  FrameMemory choose(Decoded decoded, size_t prompt_points) const;
  void recall(const Object& object, int frame, bool reverse);
  void forget(Object& object, int frame) const;

  Segmenter& segmenter_;
  Network& network_;
  FrameSource& frames_;
  RecallOptions recall_options_;
  std::vector<Object> objects_;
  std::optional<Pass> pass_;
};

}  // namespace alref::sam2
