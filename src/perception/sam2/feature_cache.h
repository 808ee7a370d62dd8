// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "perception/sam2/network.h"

namespace alref::sam2 {

/// A number that stands for a picture: pictures that differ have different ones, but for one chance
/// in 2^64.
uint64_t fingerprint(const Image& image);

/// Features of pictures looked at lately, within a budget of bytes; those not asked for the longest
/// go first. Known by what is in the picture, so that it does not matter from where and how often
/// it comes. Memory is taken in large pieces as it is needed and used again, never given back piece
/// by piece: single features between a frame's short-lived buffers would scatter the heap, which
/// cost a third more than the budget.
class FeatureCache {
 public:
  /// @param half  keep numbers as bf16 (half the bytes) rather than f32
  FeatureCache(size_t budget_bytes, bool half) : budget_(budget_bytes), half_(half) {}

  /// Makes the features of picture `key` the network's current ones; false where they are not kept.
  bool restore(uint64_t key, Network& network);
  /// Keeps the network's current features. A cache serves one network.
  void keep(uint64_t key, const Network& network);

  /// What the kept features take.
  size_t bytes() const { return entries_.size() * entry_bytes_; }

 private:
  struct Entry {
    uint64_t key;
    uint8_t* place;
  };

  uint8_t* new_place();
  /// Writes numbers in the form in which they are kept, and back.
  void pack(std::span<const float> values, uint8_t* place) const;
  void unpack(const uint8_t* place, std::span<float> values) const;
  size_t number_bytes() const;

  size_t budget_;
  bool half_;
  size_t entry_bytes_ = 0;  // of every entry, known from the first on
  std::vector<std::unique_ptr<uint8_t[]>> pieces_;
  size_t places_left_ = 0;    // in the last piece
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key_;
};

}  // namespace alref::sam2
