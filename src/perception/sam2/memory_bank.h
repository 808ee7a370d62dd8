// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace alref::sam2 {

/// What is kept of one object on one frame.
struct FrameMemory {
  std::vector<float> memory;   ///< [n * n, m]
  std::vector<float> pointer;  ///< [d]
  FloatMap mask;               ///< low-resolution logits
  float object_score = 0;

  size_t bytes() const {
    return sizeof(float) * (memory.size() + pointer.size() + mask.values.size());
  }
};

/// How memories are chosen for a frame.
struct RecallOptions {
  int frames = 7;                   ///< memories in all, were there one conditioning frame
  int pointers = 16;                ///< tracked frames' pointers reach one less back
  int stride = 1;                   ///< between memories of tracked frames, the last one apart
  int max_conditioning_frames = 8;  ///< the nearest ones; -1: all
};

/// One object's memories on the frames of a video (sam2/modeling/sam2_base.py,
/// _prepare_memory_conditioned_features, and the output dictionaries of
/// sam2/sam2_video_predictor.py).
class MemoryBank {
 public:
  /// A frame with a prompt. It takes the place of what was tracked there.
  void add_conditioning(int frame, FrameMemory memory);
  void add_tracked(int frame, FrameMemory memory);

  /// What was kept of a frame, or null.
  const FrameMemory* conditioning(int frame) const;
  const FrameMemory* tracked(int frame) const;
  bool has_conditioning() const { return !conditioning_.empty(); }
  size_t tracked_count() const { return tracked_.size(); }

  /// The earliest conditioning frame; there must be one.
  int first_conditioning_frame() const { return conditioning_.begin()->first; }

  struct Recalled {
    struct Frame {
      int time;  ///< 0: a conditioning frame; else its place among the frames before, the last one
                 ///< having the highest
      const FrameMemory* memory;
    };
    struct Pointer {
      int distance;  ///< in frames
      const FrameMemory* memory;
    };
    std::vector<Frame> frames;
    std::vector<Pointer> pointers;
  };
  /// In reverse, "before" means later frames.
  Recalled recall(int frame, bool reverse, const RecallOptions& options) const;

  /// Forgets tracked frames, those farthest from `frame` first, until at most `count` are left.
  /// Frames at most `reach` away from `frame` or from `start` stay in any case.
  /// @return  the frames that were forgotten
  std::vector<int> trim(size_t count, int frame, int start, int reach);

  /// What is kept, of frames with and without prompts.
  size_t bytes() const;

 private:
  struct Conditioning {
    FrameMemory memory;
    int64_t order;  // in which they were added: decides between frames equally far
  };

  std::vector<int> nearest_conditioning_frames(int frame, int count) const;

  std::map<int, Conditioning> conditioning_;
  std::map<int, FrameMemory> tracked_;
  int64_t next_order_ = 0;
};

}  // namespace alref::sam2
