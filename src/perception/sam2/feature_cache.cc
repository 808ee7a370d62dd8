// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/feature_cache.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <ggml-cpu.h>

#include "core/in_parallel.h"

namespace alref::sam2 {
namespace {

// work(range, its first number's place) for ranges of `values`, each on a thread of its own.
template <typename Number, typename Work>
void in_ranges(std::span<Number> values, int threads, const Work& work) {
  in_parallel(static_cast<int64_t>(values.size()), threads, [&](int64_t begin, int64_t end) {
    const auto first = static_cast<size_t>(begin);
    work(values.subspan(first, static_cast<size_t>(end) - first), first);
  });
}

}  // namespace

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

size_t FeatureCache::number_bytes() const { return half_ ? sizeof(ggml_bf16_t) : sizeof(float); }

void FeatureCache::pack(std::span<const float> values, uint8_t* place) const {
  if (half_) {
    ggml_cpu_fp32_to_bf16(values.data(), reinterpret_cast<ggml_bf16_t*>(place),
                          static_cast<int64_t>(values.size()));
  } else {
    std::memcpy(place, values.data(), values.size_bytes());
  }
}

void FeatureCache::unpack(const uint8_t* place, std::span<float> values) const {
  if (half_) {
    ggml_cpu_bf16_to_fp32(reinterpret_cast<const ggml_bf16_t*>(place), values.data(),
                          static_cast<int64_t>(values.size()));
  } else {
    std::memcpy(values.data(), place, values.size_bytes());
  }
}

bool FeatureCache::restore(uint64_t key, Network& network) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return false;
  entries_.splice(entries_.begin(), entries_, found->second);
  const uint8_t* place = found->second->place;
  network.restore([&](std::span<float> values) {
    in_ranges(values, network.threads(), [&](std::span<float> range, size_t first) {
      unpack(place + first * number_bytes(), range);
    });
    place += values.size() * number_bytes();
  });
  return true;
}

uint8_t* FeatureCache::new_place() {
  // So large that the C library maps each piece by itself and touches none of it.
  constexpr size_t kPieceBytes = size_t{64} << 20;
  const size_t places = std::max(size_t{1}, std::min(kPieceBytes, budget_) / entry_bytes_);
  if (places_left_ == 0) {
    pieces_.push_back(std::make_unique_for_overwrite<uint8_t[]>(places * entry_bytes_));
    places_left_ = places;
  }
  return pieces_.back().get() + (places - places_left_--) * entry_bytes_;
}

void FeatureCache::keep(uint64_t key, const Network& network) {
  const Features& features = network.features();
  entry_bytes_ =
      (features.embedding.bytes() + features.stride8.bytes() + features.stride4.bytes()) /
      sizeof(float) * number_bytes();
  if (entry_bytes_ > budget_ || by_key_.contains(key)) return;
  if (bytes() + entry_bytes_ > budget_) {
    by_key_.erase(entries_.back().key);
    entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
    entries_.front().key = key;
  } else {
    entries_.push_front({key, new_place()});
  }
  uint8_t* place = entries_.front().place;
  std::vector<float> copy;
  for (const auto* part : {&features.embedding, &features.stride8, &features.stride4}) {
    const std::span<const float> values = part->read(copy);
    in_ranges(values, network.threads(), [&](std::span<const float> range, size_t first) {
      pack(range, place + first * number_bytes());
    });
    place += values.size() * number_bytes();
  }
  by_key_[key] = entries_.begin();  // last: an exception must not leave half of the features behind
}

}  // namespace alref::sam2
