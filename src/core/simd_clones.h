// SPDX-License-Identifier: Apache-2.0
#pragma once

// For loops that are written so that a compiler vectorises them: where it can, it makes a second
// version for AVX2 that is chosen at run time. AVX2 without FMA: all versions round alike.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALREF_SIMD_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define ALREF_SIMD_CLONES
#endif
