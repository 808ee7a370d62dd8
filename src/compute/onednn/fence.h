// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace alref::compute::onednn {

// AddressSanitizer knows where allocations end, not where the parts end that one is cut into. With
// GCC's there are fences between parts; otherwise all of this is nothing.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kFence = 64;
inline void open_memory(const void* p, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(p, bytes); }
inline void fence_memory(const void* p, size_t bytes) { ASAN_POISON_MEMORY_REGION(p, bytes); }
#else
constexpr size_t kFence = 0;
inline void open_memory(const void*, size_t) {}
inline void fence_memory(const void*, size_t) {}
#endif

}  // namespace alref::compute::onednn
