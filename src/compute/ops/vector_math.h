// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

// Sixteen floats at a time, in the compiler's own vectors: one register with AVX-512, two with
// AVX2, four with SSE or NEON. What is inlined into a function that ALREF_FOR_EACH_CPU compiles
// several times takes that version's registers. Not under sanitizers: the version is chosen while
// the program is loaded, before their runtime is there.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALREF_FOR_EACH_CPU \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ALREF_FOR_EACH_CPU
#endif
#define ALREF_INLINE inline __attribute__((always_inline))

namespace alref::compute::simd {

inline constexpr int kLanes = 16;

using F32 = float __attribute__((vector_size(64)));
using I32 = int32_t __attribute__((vector_size(64)));
using U32 = uint32_t __attribute__((vector_size(64)));
using U16 = uint16_t __attribute__((vector_size(32)));

template <typename Vector, typename Element>
ALREF_INLINE void load(Vector& into, const Element* from) {
  std::memcpy(&into, from, sizeof(into));
}

template <typename Vector, typename Element>
ALREF_INLINE void store(Element* into, const Vector& from) {
  std::memcpy(into, &from, sizeof(from));
}

/// e^x to about 2 units in the last place; 0 below -87 and never infinite (Cephes' polynomial).
ALREF_INLINE void exp(F32& x) {
  const F32 low = F32{} - 87.33654f, high = F32{} + 88.02969f;
  const I32 vanishes = x < low;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const F32 magic = F32{} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const F32 n = (x * 1.44269504f + magic) - magic;
  const F32 r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  F32 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const I32 exponent = (__builtin_convertvector(n, I32) + 127) << 23;
  F32 scale;
  std::memcpy(&scale, &exponent, sizeof(scale));
  x = vanishes ? F32{} : p * scale;
}

ALREF_INLINE float sum(const F32& x) {
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += x[i];
  return total;
}

}  // namespace alref::compute::simd
