// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "perception/sam2/network.h"

namespace alref::sam2 {

/// A number that stands for a picture: pictures that differ have different ones, but for one chance
/// in 2^64.
uint64_t fingerprint(const Image& image);

/// Features of pictures looked at lately, within a budget of bytes; those not asked for the longest
/// go first. Known by what is in the picture, so that it does not matter from where and how often
/// it comes.
class FeatureCache {
 public:
  /// @param half  keep numbers as bf16 (half the bytes) rather than f32
  FeatureCache(size_t budget_bytes, bool half) : budget_(budget_bytes), half_(half) {}

  /// Makes the features of picture `key` the network's current ones; false where they are not kept.
  bool restore(uint64_t key, Network& network);
  /// Keeps the network's current features.
  void keep(uint64_t key, const Network& network);

  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t key;
    std::vector<uint8_t> embedding, stride8, stride4;
    size_t bytes() const { return embedding.size() + stride8.size() + stride4.size(); }
  };

  std::vector<uint8_t> pack(const std::vector<float>& values) const;
  std::vector<float> unpack(const std::vector<uint8_t>& bytes) const;

  size_t budget_;
  bool half_;
  size_t bytes_ = 0;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<uint64_t, std::list<Entry>::iterator> by_key_;
};

}  // namespace alref::sam2
