// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <future>
#include <vector>

namespace alref {

/// work(begin, end) for consecutive ranges that make up [0, count), each on a thread of its own,
/// the first on the caller's; on at most count threads, and one at least. For work of a millisecond
/// and more: a thread is started for it every time. Throws what one of them throws, when all have
/// ended.
template <typename Work>
void in_parallel(int64_t count, int threads, const Work& work) {
  threads = static_cast<int>(std::clamp<int64_t>(count, 1, std::max(threads, 1)));
  const auto bound = [&](int i) { return count * i / threads; };
  std::vector<std::future<void>> others;
  for (int i = 1; i < threads; ++i) {
    others.push_back(std::async(std::launch::async, [&, i] { work(bound(i), bound(i + 1)); }));
  }
  work(int64_t{0}, bound(1));
  for (std::future<void>& other : others) other.get();
}

}  // namespace alref
