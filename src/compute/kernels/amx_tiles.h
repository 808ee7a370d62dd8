// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "compute/kernels/bf16.h"

// For the AMX files of this folder only: see vector_math.h.
namespace alref::compute::kernels {
namespace {  // NOLINT(google-build-namespaces): a copy for each instruction set is the point

constexpr int64_t kTileRows = 16, kTileK = 32;  // a tile: 16 rows of 64 bytes, 32 bf16 or 16 f32

/// Packed 16 columns at a time, each [k / 2, 16 pairs]: a tile of it is 1 KiB in one piece.
struct AmxBf16 : Bf16 {
  static constexpr int64_t kMultiple = kTileK;
  static int64_t place(int64_t step, int64_t vector, int64_t, int64_t steps) {
    return vector * steps + step;
  }
};
using Base = Products<AmxBf16>;

/// AddressSanitizer does not look into assembly: what a tile is about to read or write is shown to
/// it here.
inline void show_tile([[maybe_unused]] const void* p,
                      [[maybe_unused]] std::ptrdiff_t stride_bytes) {
#ifdef __SANITIZE_ADDRESS__
  for (int64_t row = 0; row < kTileRows; ++row) {
    auto* at = const_cast<char*>(static_cast<const char*>(p)) + row * stride_bytes;
    if (const void* bad = __asan_region_is_poisoned(at, 64))
      (void)*static_cast<const volatile char*>(bad);
  }
#endif
}

// The intrinsics of GCC 12 take literals only, and do not say that they read memory.
template <int kTile>
inline void zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
template <int kTile>
inline void load(const void* p, std::ptrdiff_t stride_bytes) {
  show_tile(p, stride_bytes);
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride_bytes), "i"(kTile) : "memory");
}
template <int kTile>
inline void store(void* p, std::ptrdiff_t stride_bytes) {
  show_tile(p, stride_bytes);
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride_bytes), "i"(kTile) : "memory");
}
template <int kSum, int kA, int kB>
inline void multiply_add() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
}

/// All eight tiles at their full size, for as long as it lives. Others may use tiles between our
/// calls.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } const config;
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

}  // namespace
}  // namespace alref::compute::kernels
