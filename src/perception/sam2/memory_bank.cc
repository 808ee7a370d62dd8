// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/memory_bank.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace alref::sam2 {
namespace {

// The frame that lies `back` memories before `frame` (sam2_base.py): the last frame itself, then
// every stride-th.
int memory_frame(int frame, bool reverse, int back, int stride) {
  if (back == 1) return reverse ? frame + 1 : frame - 1;
  const auto floor_to_stride = [stride](int i) {
    return static_cast<int>(std::floor(static_cast<double>(i) / stride)) * stride;
  };
  return reverse ? -floor_to_stride(-(frame + 2)) + (back - 2) * stride
                 : floor_to_stride(frame - 2) - (back - 2) * stride;
}

}  // namespace

void MemoryBank::add_conditioning(int frame, FrameMemory memory) {
  tracked_.erase(frame);
  if (auto it = conditioning_.find(frame); it != conditioning_.end()) {
    it->second.memory = std::move(memory);
  } else {
    conditioning_.emplace(frame, Conditioning{std::move(memory), next_order_++});
  }
}

void MemoryBank::add_tracked(int frame, FrameMemory memory) {
  tracked_.insert_or_assign(frame, std::move(memory));
}

const FrameMemory* MemoryBank::conditioning(int frame) const {
  const auto it = conditioning_.find(frame);
  return it == conditioning_.end() ? nullptr : &it->second.memory;
}

const FrameMemory* MemoryBank::tracked(int frame) const {
  const auto it = tracked_.find(frame);
  return it == tracked_.end() ? nullptr : &it->second;
}

// The nearest one before, the nearest one from here on, then whichever are nearest (sam2_utils.py,
// select_closest_cond_frames).
std::vector<int> MemoryBank::nearest_conditioning_frames(int frame, int count) const {
  std::vector<int> all;
  for (const auto& [t, entry] : conditioning_) all.push_back(t);
  const auto order = [this](int t) { return conditioning_.at(t).order; };
  if (count < 0 || static_cast<int>(all.size()) <= count) {
    std::sort(all.begin(), all.end(), [&](int a, int b) { return order(a) < order(b); });
    return all;
  }
  std::vector<int> chosen;
  const auto after = conditioning_.lower_bound(frame);
  if (after != conditioning_.begin()) chosen.push_back(std::prev(after)->first);
  if (after != conditioning_.end()) chosen.push_back(after->first);
  for (const int t : chosen) std::erase(all, t);
  std::sort(all.begin(), all.end(), [&](int a, int b) {
    return std::pair(std::abs(a - frame), order(a)) < std::pair(std::abs(b - frame), order(b));
  });
  for (const int t : all) {
    if (static_cast<int>(chosen.size()) >= count) break;
    chosen.push_back(t);
  }
  return chosen;
}

MemoryBank::Recalled MemoryBank::recall(int frame, bool reverse,
                                        const RecallOptions& options) const {
  Recalled result;
  const std::vector<int> chosen =
      nearest_conditioning_frames(frame, options.max_conditioning_frames);
  for (const int t : chosen) result.frames.push_back({0, &conditioning_.at(t).memory});

  // A conditioning frame that was not chosen counts as tracked.
  const auto before = [&](int t) -> const FrameMemory* {
    if (const FrameMemory* memory = tracked(t)) return memory;
    return std::find(chosen.begin(), chosen.end(), t) == chosen.end() ? conditioning(t) : nullptr;
  };
  for (int time = 1; time < options.frames; ++time) {
    const FrameMemory* memory =
        before(memory_frame(frame, reverse, options.frames - time, options.stride));
    if (memory) result.frames.push_back({time, memory});
  }

  for (const int t : chosen) {
    if (reverse ? t >= frame : t <= frame) {
      result.pointers.push_back({std::abs(frame - t), &conditioning_.at(t).memory});
    }
  }
  for (int distance = 1; distance < options.pointers; ++distance) {
    const FrameMemory* memory = before(reverse ? frame + distance : frame - distance);
    if (memory) result.pointers.push_back({distance, memory});
  }
  return result;
}

std::vector<int> MemoryBank::trim(size_t count, int frame, int start, int reach) {
  std::vector<int> forgotten;
  while (tracked_.size() > count) {
    // The farthest is the first or the last one that may go.
    auto farthest = tracked_.end();
    for (auto it = tracked_.begin(); it != tracked_.end(); ++it) {
      const bool stays =
          std::abs(it->first - frame) <= reach || std::abs(it->first - start) <= reach;
      if (!stays && (farthest == tracked_.end() ||
                     std::abs(it->first - frame) > std::abs(farthest->first - frame))) {
        farthest = it;
      }
    }
    if (farthest == tracked_.end()) break;
    forgotten.push_back(farthest->first);
    tracked_.erase(farthest);
  }
  return forgotten;
}

size_t MemoryBank::bytes() const {
  size_t sum = 0;
  for (const auto& [frame, entry] : conditioning_) sum += entry.memory.bytes();
  for (const auto& [frame, memory] : tracked_) sum += memory.bytes();
  return sum;
}

}  // namespace alref::sam2
