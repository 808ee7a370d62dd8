// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/feature_cache.h"

#include <array>
#include <cstring>

namespace alref::sam2 {

uint64_t fingerprint(const Image& image) {
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio, odd
  const auto mix = [](uint64_t& hash, uint64_t word) {
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> 29;
  };
  // Four chains that do not wait for one another.
  std::array<uint64_t, 4> lanes{static_cast<uint64_t>(image.width) * kFactor,
                                static_cast<uint64_t>(image.height), 2, 3};
  constexpr size_t kBlock = sizeof(lanes);
  const uint8_t* pixels = image.pixels.data();
  size_t i = 0;
  for (; i + kBlock <= image.pixels.size(); i += kBlock) {
    std::array<uint64_t, 4> words;
    std::memcpy(words.data(), pixels + i, kBlock);
    for (size_t lane = 0; lane < lanes.size(); ++lane) mix(lanes[lane], words[lane]);
  }
  uint64_t hash = 0;
  for (const uint64_t lane : lanes) mix(hash, lane);
  for (; i < image.pixels.size(); ++i) mix(hash, pixels[i]);
  return hash;
}

std::vector<uint8_t> FeatureCache::pack(const std::vector<float>& values) const {
  const auto count = static_cast<int64_t>(values.size());
  std::vector<uint8_t> bytes(values.size() * (half_ ? sizeof(ggml_bf16_t) : sizeof(float)));
  if (half_) {
    ggml_fp32_to_bf16_row(values.data(), reinterpret_cast<ggml_bf16_t*>(bytes.data()), count);
  } else {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

std::vector<float> FeatureCache::unpack(const std::vector<uint8_t>& bytes) const {
  std::vector<float> values(bytes.size() / (half_ ? sizeof(ggml_bf16_t) : sizeof(float)));
  if (half_) {
    ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t*>(bytes.data()), values.data(),
                          static_cast<int64_t>(values.size()));
  } else {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  return values;
}

bool FeatureCache::restore(uint64_t key, Network& network) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return false;
  entries_.splice(entries_.begin(), entries_, found->second);
  const Entry& entry = *found->second;
  network.restore(unpack(entry.embedding), unpack(entry.stride8), unpack(entry.stride4));
  return true;
}

void FeatureCache::keep(uint64_t key, const Network& network) {
  const Features& features = network.features();
  const size_t floats =
      (features.embedding.bytes() + features.stride8.bytes() + features.stride4.bytes());
  const size_t needed = half_ ? floats / 2 : floats;
  if (needed > budget_ || by_key_.contains(key)) return;
  while (bytes_ + needed > budget_) {
    bytes_ -= entries_.back().bytes();
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, pack(features.embedding.read()), pack(features.stride8.read()),
                       pack(features.stride4.read())});
  by_key_[key] = entries_.begin();
  bytes_ += entries_.front().bytes();
}

}  // namespace alref::sam2
